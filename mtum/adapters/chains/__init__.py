"""Where chains of options come from when no broker quotes them: a model, or a folder of recorded ones."""
