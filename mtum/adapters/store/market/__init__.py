"""Daily bars: accepted values, what they replaced, and what was kept out."""
