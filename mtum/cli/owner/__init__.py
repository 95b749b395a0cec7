"""Commands by which the owner sets up, checks and stops the program."""
