"""The words for settings, terms and ratios of a study."""

from collections.abc import Mapping

from mtum.core.reporting.figures import number


def named(setting: str) -> str:
    """Return the name of a setting without its section, that of a sleeve with its name, in words that may break."""
    section, *_, last = setting.split(".")
    owner = f"{setting.split('.')[1]} " if section in ("sleeve", "group") else ""
    return owner + last.replace("_", " ")


def setting_words(value: object) -> str:
    """Return the value of a setting as a person writes it, lists and tables without their brackets.

    Examples
    --------
    >>> [setting_words(value) for value in (0.25, True, ["SPY", "GLD"], {"SPY": 0.6, "IEF": 0.4})]
    ['0.25', 'true', 'SPY, GLD', 'SPY 0.6, IEF 0.4']
    """
    match value:
        case bool() | None:
            return str(value).lower()
        case float():
            return f"{value:g}"
        case Mapping():
            return ", ".join(f"{name} {setting_words(one)}" for name, one in value.items())
        case list() | tuple():
            return ", ".join(map(setting_words, value))
        case _:
            return str(value)


def ratio_words(ratio: float | None) -> str:
    """Return a Sharpe ratio; where returns do not differ there is none."""
    return "undefined" if ratio is None else number(ratio)


def terms_words(terms: Mapping[str, object]) -> str:
    """Return on what terms a history was played, as `mtum sweep --json` gives them; what varies is left out."""
    capital, cost = terms.get("portfolio.capital_usd"), terms.get("portfolio.cost_frac")
    parts = [f"{capital:,.0f} USD at the start"] if isinstance(capital, int | float) else []
    match terms.get("portfolio.cost_model"):
        case "percent" if isinstance(cost, int | float):
            parts.append(f"costs {100 * cost:g} % a side")
        case "ib" | "ib_tiered" as name:
            parts.append(f"costs by the broker's {'tiered ' if name == 'ib_tiered' else ''}schedule")
        case _:
            parts.append("costs as in the settings tried")
    parts.append(f"slippage {terms['slippage_bps']:g} bps")
    held = terms.get("holdings")
    if isinstance(held, Mapping):
        parts.append("with " + " and ".join(f"{shares:,} shares of {symbol}" for symbol, shares in held.items()))
    return f"{', '.join(parts)}, fills at {terms['fill']}, settlement {terms['settlement']}."
