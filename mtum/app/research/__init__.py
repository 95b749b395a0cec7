"""Questions to history: backtests, sweeps, walk-forward, checks."""
