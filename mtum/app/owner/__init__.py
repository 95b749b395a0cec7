"""Use cases by which the owner sets up and steers: settings, halts, capital."""
