"""Commands that ask history: backtest, sweep, walkforward."""
