"""A person's own strategies: written to begin with, told, checked, and taken over when that is safe."""
