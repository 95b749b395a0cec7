"""The tables of a backtest's checks, as its tear sheet and the command line show them."""

from collections.abc import Iterator, Mapping
from typing import Any

from mtum.core.reporting.figures import number
from mtum.core.reporting.layout import Section, Sentence, Table, Tone, table_of
from mtum.core.reporting.parts.effects import variant_words

KINDS = {
    "drop_one": "without the condition",
    "only_one": "with it alone",
    "drop_symbol": "without the symbol",
    "drop_sleeve": "without the sleeve",
    "rsi_form": "form of RSI",
    "volume_mode": "volume",
}
"""What the word of a kind means; others mean what they say."""
STATES = {"trend": "market", "vix": "VIX"}
TOGETHER = (
    "A session counts in the state in which the session before it closed. The market is what buying and holding holds, "
    "against the mean of its last 200 closes. The growth of all states of a kind, multiplied, is the whole growth."
)
SHARED = "The money of a sleeve that is left out goes to the others in proportion to their weights."
LUCK = (
    "Luck is what the Sharpe ratio of tries without any worth would be, were the result the best of so many. Whoever "
    "changed settings and looked again has tried, too."
)


def checks_sections(found: Mapping[str, Any]) -> Iterator[Section]:
    """Return what the checks of a backtest found.

    Parameters
    ----------
    found : mapping
        The result as `mtum backtest --check --json` gives it.
    """
    checks = found["checks"]
    kinds = {row["kind"] for row in checks["variants"]}
    if "drop_one" in kinds:
        yield Section("score-card", "Score-card of the conditions", (_variants(found, "drop_one", "only_one"),))
    if kinds & {"drop_symbol", "drop_sleeve"}:
        shared = Sentence(SHARED, Tone.QUIET)
        table = _variants(found, "drop_sleeve", "drop_symbol")
        yield Section("left-out", "One of them left out", (table, *([shared] if "drop_sleeve" in kinds else ())))
    faults = checks["look_ahead_faults"] + checks["warm_up_faults"]
    cuts = f"look-ahead: {checks['look_ahead_cuts']} cuts of the future and 2 longer warm-ups, {faults} faults"
    others = _variants(found, "rsi_form", "volume_mode", "costs", "fill", "settlement")
    yield Section("sensitivity", "Sensitivity", (others, Sentence(cuts)))
    if checks["regimes"]:
        yield Section("regimes", "By the state of the market", (_regimes(checks), Sentence(TOGETHER, Tone.QUIET)))
    yield luck_section(checks)
    if checks["bootstrap"]["parts"]:
        yield Section("parts", "What each sleeve adds over resampled histories, % of the capital", (_parts(checks),))
    notes = (Sentence(f"{line}.", Tone.QUIET) for line in checks["notes"])
    yield Section("verdict", "In plain words", (*map(Sentence, checks["verdict"]), *notes))


def _variants(found: Mapping[str, Any], *kinds: str) -> Table:
    # The rules as they are first, then one kind after the other.
    mine = found["metrics"]
    as_it_is = {"trades": mine["trades"], "final_equity_usd": found["final_equity_usd"]}
    as_it_is |= {name: mine[name] for name in ("cagr_frac", "sharpe", "max_drawdown_frac")}
    changed = [row for kind in kinds for row in found["checks"]["variants"] if row["kind"] == kind]
    rows = [("as it is", "", *_figures(as_it_is))]
    rows += [
        (variant_words(row["change"]), KINDS.get(row["kind"], row["kind"].replace("_", " ")), *_figures(row))
        for row in changed
    ]
    columns = ("changed", "kind", "trades", "final equity, USD", "return a year, %", "Sharpe", "max drawdown, %")
    return table_of(columns, rows, left=(0, 1), sortable=True)


def _figures(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        *(f"{row['trades']:,}", number(row["final_equity_usd"]), _percent(row["cagr_frac"])),
        *(number(row["sharpe"]), _percent(row["max_drawdown_frac"])),
    )


def _regimes(checks: Mapping[str, Any]) -> Table:
    columns = ("", "before the session", "sessions", "return, %", "buy and hold, %", "Sharpe", "worst session, %")
    rows = [
        (
            *(STATES.get(row["kind"], row["kind"]), row["name"], f"{row['sessions']:,}"),
            *(_percent(row["return_frac"]), _percent(row["benchmark_return_frac"]), number(row["sharpe"])),
            *(_percent(row["worst_session_frac"]), _percent(row["held_frac"])),
        )
        for row in checks["regimes"]
    ]
    return table_of((*columns, "invested, % of sessions"), rows, left=(0, 1))


def luck_section(found: Mapping[str, Any]) -> Section:
    """Return how far a result may be luck, and what that means (see `luck_table`)."""
    return Section("luck", "How likely it is luck", (luck_table(found), Sentence(LUCK, Tone.QUIET)))


def luck_table(found: Mapping[str, Any]) -> Table:
    """Return how far a result may be luck, by its Sharpe ratio and over resampled histories.

    Parameters
    ----------
    found : mapping
        What holds `luck` and `bootstrap`: the checks of a backtest, or a walk forward.
    """
    luck, spread = found["luck"], found["bootstrap"]
    needed = luck["sessions_needed"]
    rows = [
        ("true Sharpe ratio above 0", _percent(luck["above_zero_probability"])),
        ("true Sharpe ratio above that of buying and holding", _percent(luck["ahead_probability"])),
        *(
            (f"better than luck, were it the best of {one['tries']:,} tries", _percent(one["probability"]))
            for one in luck["best_of"]
        ),
        ("a loss, over resampled histories", _percent(spread["loss_probability"])),
        ("less than buying and holding, over resampled histories", _percent(spread["behind_probability"])),
    ]
    table = [(words, f"{chance} %" if chance != "-" else chance) for words, chance in rows]
    table.append(
        ("sessions until it would be above 0 with 95 %", "never with such returns" if needed is None else f"{needed:,}")
    )
    for words, name in (("return a year", "cagr_frac"), ("max drawdown", "max_drawdown_frac")):
        ends = " to ".join(f"{_percent(spread[name][end])}" for end in ("low", "high"))
        table.append((f"{words}, 9 of 10 resampled histories", f"{ends} %"))
    return table_of(("how likely", ""), table)


def _parts(checks: Mapping[str, Any]) -> Table:
    columns = ("sleeve", "5 %", "50 %", "95 %", "a loss, % of histories")
    rows = [
        (
            row["name"],
            *(_percent(row["gain_frac"][end]) for end in ("low", "middle", "high")),
            _percent(row["loss_probability"]),
        )
        for row in checks["bootstrap"]["parts"]
    ]
    return table_of(columns, rows)


def _percent(frac: float | None) -> str:
    return number(None if frac is None else 100 * frac)
