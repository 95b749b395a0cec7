"""What is wanted and held: orders, fills, lots, cash, costs, sizing and limits."""
