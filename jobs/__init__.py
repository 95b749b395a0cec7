"""What the clock starts: one module per job of the trading day."""
