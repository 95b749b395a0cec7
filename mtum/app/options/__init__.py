"""Options through the trading day: what became of them, and their orders from decision to proof."""
