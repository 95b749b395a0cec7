"""The compiled loops: indicators over columns, the walk from trade to trade, grids."""
