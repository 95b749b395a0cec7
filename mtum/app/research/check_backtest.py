"""Check a backtest: what of it hangs on the future, on costs, on one symbol, on one state of the market, on luck."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from mtum.app.research.run_backtest import Backtested, Tell, tell_compiling
from mtum.app.research.steps import tell_step
from mtum.core.canonical import as_table
from mtum.core.portfolio.returns import from_capital, returns
from mtum.core.research.attribution import added_by_sleeve
from mtum.core.research.checks import CUTS, WARM_UPS, Beside, Checks, Each, Question, Replay, one_by_one, run_checks
from mtum.core.research.regimes import TREND_STATES, VIX_STATES, Regime, by_state, trend_states, vix_states
from mtum.core.research.variants import (
    Asked,
    alone,
    of_confluence,
    on_other_terms,
    play,
    without_sleeves,
    without_symbols,
)
from mtum.core.simulation.kernel.near_close import play_seen
from mtum.core.simulation.kernel.play import play as play_compiled
from mtum.core.simulation.played import Played
from mtum.errors import MtumError
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

_OF_OPTIONS = (
    "options are model-priced and filled at the close that they are decided at: no other fill is played, the costs "
    "that vary are those of shares, and what other prices of options would change is the band's"
)
CUTS_BY_SESSION = 12
"""Places at which the future is cut off and changed where a history is played session by session."""


def checks_of(
    found: Backtested, source: BarSource, calendar: Calendar, tell: Tell, each: Each[Asked] = one_by_one
) -> Checks:
    """Run the checks on official bars.

    Parameters
    ----------
    found : Backtested
        A history, what was played on it and what that was worth.
    source : BarSource
        Where the VIX comes from, if the strategy did not ask for it.
    calendar : Calendar
        Sessions of the market, which a model of options needs beyond the history.
    tell : Tell
        Called with progress messages for the person who waits.
    each : callable
        Plays the histories of an account, or of a strategy without a compiled form, here or beside each other.
    """
    terms, official = found.asked.terms(), found.played
    asked = Asked(found.sleeves, terms) if found.account else alone(found.strategy, terms)
    traded = [one for one in asked.sleeves if one.decides and one.strategy.OPTIONS]
    if traded:
        from mtum.app.research.option_backtest import player_of  # what shares do without

        asked = replace(asked, options=player_of(found.asked, traded, source, calendar))
    fast = asked.confluence is not None
    if fast:
        tell_compiling(tell, play_compiled, play_seen)
        official = play(found.market, asked, found.span)
    symbols, notes = without_symbols(asked, official)
    others = (
        *of_confluence(asked, found.market, found.span),
        # Options fill at the close that they are decided at.
        *(one for one in on_other_terms(asked) if not (traded and one.kind == "fill")),
        *without_sleeves(asked),
        *symbols,
    )
    cuts = CUTS if fast else CUTS_BY_SESSION
    if not fast:
        tell(f"checking: {len(others)} variants, {cuts} other futures and {2 * len(WARM_UPS)} later starts to play ...")
    question = Question(found.market, found.span, asked, asked.needed, play, others, cuts, in_turn=not fast)
    vix, unknown = _vix(found, source)
    parts = added_by_sleeve(found.account) if found.account and len(found.account.sleeves) > 1 else {}
    beside = Beside(found.held.reinvested, _regimes(found, official, vix), parts)
    told = [_OF_OPTIONS] if traded else []
    return run_checks(question, official, beside, _counted(one_by_one if fast else each), notes + unknown + told)


def _counted(each: Each[Asked]) -> Each[Asked]:
    def work(question: Question[Asked], replays: Sequence[Replay[Asked]]) -> Iterator[Played]:
        for number, played in enumerate(each(question, replays), 1):
            tell_step("checking", number, len(replays))
            yield played

    return work


def _regimes(found: Backtested, official: Played, vix: Mapping[date, float]) -> tuple[Regime, ...]:
    moves = returns(from_capital(official.equity, official.capital_usd))
    held = returns(from_capital(found.held.reinvested, official.capital_usd))
    weights: dict[str, float] = {}
    for sleeve in found.sleeves:
        for symbol, weight in sleeve.compared_with.items():
            if symbol in found.market.bars:
                weights[symbol] = weights.get(symbol, 0.0) + sleeve.weight * weight
    trend = trend_states(found.market, found.span, weights or found.asked.compared_with(found.strategy))
    fear = vix_states(found.market, found.span, vix)
    return (
        *by_state("trend", TREND_STATES, trend, moves, held, official.held),
        *(by_state("vix", VIX_STATES, fear, moves, held, official.held) if vix else ()),
    )


def _vix(found: Backtested, source: BarSource) -> tuple[Mapping[date, float], list[str]]:
    vix = found.market.series.get("VIX")
    if vix is None:
        try:
            vix = source.series_history("VIX", found.market.day(0), found.market.day(-1))
        except MtumError as error:
            return {}, [f"not told by the VIX: {error}"]
    return vix, [] if vix else [f"not told by the VIX: {source.name} has no close of it"]


def checks_document(checks: Checks) -> dict[str, Any]:
    """Return the checks as plain values."""
    plain = as_table(checks)
    plain["variants"] = [{name: _short(cell) for name, cell in row.items()} for row in plain["variants"]]
    plain["regimes"] = [{name: _short(cell) for name, cell in row.items()} for row in plain["regimes"]]
    return plain


def _short(number: Any) -> Any:
    return round(number, 6) if isinstance(number, float) else number
