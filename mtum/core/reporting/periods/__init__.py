"""Accounts of longer spans: reviews of weeks, months and quarters, and of whole runs."""
