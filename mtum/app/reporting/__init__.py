"""From the store to a report value: what is read, and how each part is made from it."""
