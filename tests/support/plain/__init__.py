"""Every strategy once more in plain Python, written from its rule and not from its code.

Each module has `CARRIES` (whether a purchase that was not made is wanted again), `history(params)` (bars needed),
`wishes(market, t, state, params)` and, where the common trade filter is not its own, `least_usd(params, equity)`.
"""
