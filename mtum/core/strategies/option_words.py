"""What the strategies of options call their conditions and reasons, and where implied volatility is told."""

from collections.abc import Mapping

from mtum.core.strategies.description import ConditionSpec, Role

IV_SESSIONS = 252
"""Sessions over which implied volatility is ranked, today's included."""
_INDEXES = {"SPY": "VIX", "SP500": "VIX", "SPX": "VIX", "XSP": "VIX", "QQQ": "VXN", "IWM": "RVX"}

RANKED = frozenset({"iv_rank", "iv_rank_low"})
"""Conditions judged by the rank of an underlying's implied volatility."""


def iv_series(symbol: str) -> tuple[str, ...]:
    """Return the series that tell the implied volatility of an underlying, the best first; none where none does."""
    return (_INDEXES[symbol],) if symbol in _INDEXES else ()


def own_volatility(symbol: str) -> str:
    """Return what the series of an underlying's own implied volatility is called; it goes before every index."""
    return f"{symbol} IV"


SPECS: Mapping[str, ConditionSpec] = {
    spec.name: spec
    for spec in (
        ConditionSpec(
            "puts_wanted", Role.ENTRY, "exercise of the puts sold leaves room for more shares",
            "no room for another put", "room", "contracts", of_position=True,
        ),
        ConditionSpec(
            "calls_wanted", Role.ENTRY, "own shares that no call promises", "no own shares are free for a call",
            "shares", "contracts", of_position=True,
        ),
        ConditionSpec(
            "red", Role.ENTRY, "not above the previous close", "above the previous close", "red", "USD", "close",
        ),
        ConditionSpec(
            "green", Role.ENTRY, "above the previous close", "not above the previous close", "green", "USD", "close",
        ),
        ConditionSpec(
            "write_threshold", Role.ENTRY, "moved far enough from the previous close",
            "moved too little from the previous close", "move", "USD", "close",
        ),
        ConditionSpec(
            "contracts", Role.ENTRY, "money for a contract", "no money for one contract", "money", "contracts",
            of_position=True,
        ),
        ConditionSpec(
            "iv_rank", Role.ENTRY, "implied volatility high within its year", "implied volatility low within its year",
            "IV rank", "%", of_fraction=True,
        ),
        ConditionSpec(
            "iv_rank_low", Role.ENTRY, "implied volatility low enough to buy", "implied volatility too high to buy",
            "IV rank", "%", of_fraction=True,
        ),
        ConditionSpec("rsi_put", Role.ENTRY, "RSI not overbought", "RSI overbought", "RSI", "", "close"),
        ConditionSpec("rsi_call", Role.ENTRY, "RSI not weak", "RSI weak", "RSI", "", "close"),
        ConditionSpec(
            "above_long_mean", Role.ENTRY, "close not below its long mean", "close below its long mean", "mean", "USD",
            "close",
        ),
        ConditionSpec(
            "bandwidth", Role.ENTRY, "bands not unusually narrow", "bands unusually narrow", "bands", "", "close"
        ),
        ConditionSpec(
            "own_calls", Role.ENTRY, "no own calls left", "own calls are held", "held", "contracts", of_position=True
        ),
        ConditionSpec(
            "vix_not_above_exit", Role.ENTRY, "VIX not above the level at which calls are sold",
            "VIX above the level at which calls are sold", "VIX", "points", "vix",
        ),
        ConditionSpec(
            "budget_weight", Role.ENTRY, "this level of the VIX has a budget", "this level of the VIX has no budget",
            "budget", "%", "vix", of_fraction=True,
        ),
        ConditionSpec("adx", Role.ENTRY, "no strong trend", "a strong trend", "ADX"),
        ConditionSpec(
            "structures_open", Role.ENTRY, "fewer structures open than allowed", "as many structures open as allowed",
            "open", "structures", of_position=True,
        ),
        ConditionSpec(
            "spacing", Role.ENTRY, "enough sessions since the last opening", "too soon after the last opening",
            "spacing", "sessions", of_position=True,
        ),
        ConditionSpec(
            "mean_side", Role.ENTRY, "close on the bias's side of its short mean",
            "close on the other side of its short mean", "close", "USD", "close",
        ),
        ConditionSpec(
            "means_order", Role.ENTRY, "short mean on the bias's side of the long one",
            "short mean on the other side of the long one", "means", "USD", "close",
        ),
        ConditionSpec(
            "rsi_bias", Role.ENTRY, "RSI agrees with the bias", "RSI against the bias", "RSI", "", "close"
        ),
        ConditionSpec(
            "one_per_side", Role.ENTRY, "none open on this side", "one open on this side", "open", "structures",
            of_position=True,
        ),
        ConditionSpec(
            "take", Role.EXIT, "profit target reached", "profit target not reached", "profit", of_position=True,
        ),
        ConditionSpec(
            "stop", Role.EXIT, "stop-loss reached", "stop-loss not reached", "stop", "USD", of_position=True,
        ),
        ConditionSpec(
            "exit_dte", Role.EXIT, "few days to expiry", "enough days to expiry", "days", "days", of_position=True,
        ),
        ConditionSpec(
            "pnl", Role.EXIT, "a profit so far", "no profit so far", "gain", "%", of_position=True, of_fraction=True,
        ),
        ConditionSpec(
            "close_at_pnl", Role.EXIT, "profit reached its closing level", "profit below its closing level", "earned",
            "%", of_position=True, of_fraction=True,
        ),
        ConditionSpec(
            "out_of_the_money", Role.EXIT, "out of the money", "in the money", "outside", "USD", "close",
            of_position=True
        ),
        ConditionSpec(
            "roll_dte", Role.EXIT, "near enough to expiry to roll", "too far from expiry to roll", "days", "days",
            of_position=True,
        ),
        ConditionSpec(
            "min_pnl", Role.EXIT, "enough profit to roll near expiry", "too little profit to roll near expiry",
            "earned", "%", of_position=True, of_fraction=True,
        ),
        ConditionSpec(
            "roll_pnl", Role.EXIT, "profit reached its roll level", "profit below its roll level", "earned", "%",
            of_position=True, of_fraction=True,
        ),
        ConditionSpec(
            "blackout", Role.EXIT, "would live through a blackout day", "it lives through no blackout day",
            "blackout", of_position=True,
        ),
        ConditionSpec(
            "short_put", Role.EXIT, "close below the put that was sold", "close not below the put that was sold",
            "put", "USD", "close", of_position=True
        ),
        ConditionSpec(
            "short_call", Role.EXIT, "close above the call that was sold", "close not above the call that was sold",
            "call", "USD", "close", of_position=True
        ),
        ConditionSpec(
            "call_in_the_money", Role.EXIT, "the call that was sold is in the money",
            "the call that was sold is out of the money", "in the money", "USD",
            "close", of_position=True,
        ),
        ConditionSpec(
            "ex_date", Role.EXIT, "the ex-date is near", "no ex-date is near", "ex-date", "sessions",
            of_position=True,
        ),
        ConditionSpec(
            "bias_lost", Role.EXIT, "the bias is lost", "the bias holds", "bias", "USD", "close", of_position=True,
        ),
        ConditionSpec(
            "close_above", Role.EXIT, "VIX above the level at which calls are sold",
            "VIX not above the level at which calls are sold", "VIX", "points", "vix",
            of_position=True,
        ),
        ConditionSpec(
            "held_calls", Role.EXIT, "own calls are held", "no own calls are held", "held", "contracts",
            of_position=True,
        ),
    )
}  # fmt: skip
"""Conditions of all of them by name."""

REASONS_OF_ALL: Mapping[str, str] = {
    "hold": "",
    "broken": "a leg was assigned: no rule holds for it, it is only closed",
    "chain_missing": "no chain of it could be read",
    "market_refused": "its options are not quoted as a market",
    "no_contract": "no contract passes every filter",
    "already_opening": "one opening is enough for a session",
    "cash": "the free cash does not secure it",
}
"""Reasons that several of them give."""


def specs(*names: str) -> tuple[ConditionSpec, ...]:
    """Return the conditions of a strategy in its order."""
    return tuple(SPECS[name] for name in names)
