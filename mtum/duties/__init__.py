"""The trading day's jobs tied to their use cases, and what the command line shares with the scheduler."""
