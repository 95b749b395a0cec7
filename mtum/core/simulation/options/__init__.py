"""Options in a played history: their quotes, fills and ends, and the books of the sleeves that trade them."""
