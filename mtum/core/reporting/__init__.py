"""Accounts of a session as text, HTML and JSON; values in, strings out."""
