"""The daily report laid out."""
