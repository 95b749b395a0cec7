"""Options in simulation: at the simulated exchange, and in a played history with the books of its sleeves."""
