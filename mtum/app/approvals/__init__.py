"""What a person approves before it is traded: settings, a backtest, an order."""
