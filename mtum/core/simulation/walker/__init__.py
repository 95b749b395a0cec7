"""Strategies with a column form, played over whole histories: what `decide` does, in plain loops over columns."""
