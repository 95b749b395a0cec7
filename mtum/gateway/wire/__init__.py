"""The broker's wire protocol: framing, field lists, and the messages built from them."""
