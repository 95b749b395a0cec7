"""What the records say, as typed values for commands and pages."""
