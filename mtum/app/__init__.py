"""Use cases: gather, decide, act, record; one verb per file."""
