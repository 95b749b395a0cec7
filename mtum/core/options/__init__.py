"""Options: what a contract is worth by a model, and how wide its market is."""
