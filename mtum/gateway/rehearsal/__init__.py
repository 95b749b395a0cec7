"""A gateway as a user starts it: its market, its files, and how it runs."""
