"""The source `yahoo`: Yahoo Finance through the client library yfinance."""

from mtum.adapters.sources.yahoo.source import NAME, YahooSource

__all__ = ["NAME", "YahooSource"]
