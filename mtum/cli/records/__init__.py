"""Commands that only read what is recorded."""
