"""What the broker tells of options: contracts, steps of their prices, quotes and chains."""
