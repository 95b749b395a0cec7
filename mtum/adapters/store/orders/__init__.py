"""Order intents, their attempts and events, fills, and the halts that keep them back."""
