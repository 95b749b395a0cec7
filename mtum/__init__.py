"""End-of-day systematic trading for one person with an Interactive Brokers account."""

__version__ = "0.2.0"
