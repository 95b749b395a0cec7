"""What is known: instruments, sessions, bars and the view of the market at a decision."""
