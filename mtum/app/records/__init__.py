"""Use cases that only read what is recorded: status and exports."""
