"""The source `yahoo`: Yahoo Finance through the client library yfinance."""

from mtum.adapters.sources.yahoo.source import NAME, yahoo_source

__all__ = ["NAME", "yahoo_source"]
