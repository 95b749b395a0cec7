"""Options: intents with their attempts, executions, events, and the books of them."""
