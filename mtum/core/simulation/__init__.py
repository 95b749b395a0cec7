"""A simulated exchange and history replayed through the same decision."""
