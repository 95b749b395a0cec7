"""SQLite: the schema and one module per subject."""
