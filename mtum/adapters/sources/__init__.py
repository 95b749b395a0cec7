"""Market data sources behind one port."""
