"""The words a person reads for conditions, reasons and states."""

CONDITIONS = {
    "close_above_ma": "close above its moving average",
    "vix_calm": "VIX calm",
    "rsi_high": "RSI high enough",
    "volume_high": "volume above its average",
    "close_below_ma": "close below its moving average",
    "vix_fear": "VIX too high",
    "rsi_low": "RSI too low",
    "atr_target": "profit target reached",
}

FAILING = {
    "close_above_ma": "close not above its moving average",
    "vix_calm": "VIX not calm",
    "rsi_high": "RSI not high enough",
    "volume_high": "volume not above its average",
}
"""What is said of an entry condition that does not hold."""

SHORT = {
    "close_above_ma": "above MA",
    "vix_calm": "VIX calm",
    "rsi_high": "RSI high",
    "volume_high": "volume",
    "close_below_ma": "below MA",
    "vix_fear": "VIX",
    "rsi_low": "RSI low",
    "atr_target": "target",
    "exit_carried": "carried",
    "daily_loss": "daily loss",
}
"""One or two words for a mark in a chart."""

REASONS = CONDITIONS | {
    "hold": "nothing to do",
    "vix_missing": "the VIX is missing, so nothing may be bought",
    "volume_unproven": "today's volume cannot be projected, so nothing may be bought",
    "budget_below_one_share": "the budget does not buy one share",
    "cash_not_settled": "the cash of the last sale has not settled",
    "exit_carried": "the rest of an earlier exit is sold",
    "halted": "trading is halted",
    "daily_loss": "the daily loss limit was reached",
    "cooldown": "too soon after the last exit",
    "flat": "nothing was held",
}

UNITS = {
    "close_above_ma": "USD",
    "vix_calm": "points",
    "rsi_high": "",
    "volume_high": "shares",
    "close_below_ma": "USD",
    "vix_fear": "points",
    "rsi_low": "",
    "atr_target": "USD",
}
"""Unit of a condition's value; empty for a pure number."""

ENTRY = ("close_above_ma", "vix_calm", "rsi_high", "volume_high")

OUTCOMES = {
    "finished": "finished",
    "failed": "FAILED",
    "missed": "MISSED",
    "skipped": "skipped",
    "superseded": "superseded",
    "": "did not run",
}


def reason(word: str) -> str:
    """Return the words for a reason; an unknown one is shown as it is."""
    return REASONS.get(word, word.replace("_", " "))


def short(word: str) -> str:
    """Return one or two words for a reason."""
    return SHORT.get(word, word.replace("_", " "))


def role(condition: str) -> str:
    """Return "entry" or "exit"."""
    return "entry" if condition in ENTRY else "exit"


def listed(words: tuple[str, ...], last: str = "and") -> str:
    """Join words as a sentence does: a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
