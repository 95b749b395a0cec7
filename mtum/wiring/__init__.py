"""The only place that builds brokers, sources, channels and the store, and ties use cases to them.

Command line and scheduler share it; nothing below knows it.
"""
