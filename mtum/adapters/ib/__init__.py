"""The connection to Interactive Brokers that broker and bar source share: the only home of the client library."""
