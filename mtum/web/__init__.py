"""The dashboard: what the database says, in a browser; nothing here decides or trades."""
