"""What a strategy of options decided on chains of the model, as a log that a person can read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from mtum import config
from mtum.adapters.calendar import ExchangeCalendar
from mtum.app.model_chains import ModelChains
from mtum.app.research.backtest_request import BacktestRequest
from mtum.config.validation import strategy_from
from mtum.core.conditions import Condition
from mtum.core.options.asking import ChainRequest, OptionVerdict, OwnOptions
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.simulation.options.terms import OptionTerms
from mtum.core.simulation.session_path import play_with_options
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.view import MarketView
from support.strategy_log import source_of

if TYPE_CHECKING:
    from mtum.core.options.chain import ReadChain

MARKET, FIRST, SESSIONS = "multi", date(2018, 1, 2), 60
"""Two months of calm, then the fall of February 2018."""
EAGER: Mapping[str, Mapping[str, object]] = {
    "wheel": {"write_on": "any", "dte": 30, "roll_dte": 21, "roll_pnl": 0.5, "max_new_frac": 0.4},
    "enhanced_wheel": {"write_on": "any", "iv_rank_min": 0.05},
    "iron_condor": {"iv_rank_min": 0.05, "adx_max": 90.0, "min_credit_frac": 0.10, "max_loss_frac": 0.05},
    "vertical_spread": {"iv_rank_min": 0.05, "min_credit_frac": 0.15, "max_loss_frac": 0.05},
}
"""Settings beside those of the example, so that two months hold an opening and what became of it."""


@dataclass(frozen=True)
class Recorded(OptionStrategy):
    """A strategy whose verdicts are kept."""

    of: OptionStrategy
    kept: list[tuple[date, tuple[OptionVerdict, ...]]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of, name)

    def universe(self) -> tuple[str, ...]:
        return self.of.universe()

    def series(self) -> tuple[str, ...]:
        return self.of.series()

    def history_sessions(self) -> int:
        return self.of.history_sessions()

    def wants(self, view: MarketView, own: OwnOptions) -> tuple[ChainRequest, ...]:
        return self.of.wants(view, own)

    def option_verdicts(
        self, view: MarketView, own: OwnOptions, chains: "Mapping[str, ReadChain]"
    ) -> tuple[OptionVerdict, ...]:
        said = self.of.option_verdicts(view, own, chains)
        self.kept.append((view.session, said))
        return said


def option_log(name: str) -> list[str]:
    """The log of a strategy's example."""
    example = STRATEGIES[name].EXAMPLE
    settings = {**example.settings, **EAGER.get(name, {})}
    strategy = strategy_from(name, settings)
    assert isinstance(strategy, OptionStrategy)
    kept: list[tuple[date, tuple[OptionVerdict, ...]]] = []
    cls = type(strategy)
    ways = {one: getattr(cls, one) for one in ("CALENDAR", "SERIES_SESSIONS", "EACH_BY_ITSELF")}
    spy = type("Spy", (Recorded,), {**ways, "name": name, "bar_columns": strategy.bar_columns})(strategy, kept)
    source, calendar = source_of(MARKET), ExchangeCalendar()
    symbol = strategy.universe()[0]
    bars = source.history(symbol, date.min, date.max)
    days = calendar.sessions(bars.day(0) - timedelta(60), bars.last_day + timedelta(15))
    closes = source.series_history("VIX", date(1990, 1, 1), bars.last_day)
    history = SessionHistory(
        {symbol: bars}, {"VIX": closes}, tuple(one.day for one in days), {symbol: source.coverage(symbol).dividends}
    )
    free = {"risk.max_daily_loss_usd": "none", "risk.max_position_usd": "none", "options.max_contracts": 100}
    known = config.load(None, {}, {**free, "portfolio.capital_usd": example.capital_usd})
    terms = BacktestRequest(known).terms()
    chains = ModelChains(source, calendar, official=True)
    options = OptionTerms(
        chains.quoted,
        lambda _, at: closes.get(at.date()),
        lambda sleeve, account: config.option_rules(known, "BACKTEST", sleeve, account),
        days,
        chains.rate,
    )
    sleeve = Sleeve(name, spy, 1.0, SleeveState.ON, 0.0, "", terms.rules)
    first = int(history.days.searchsorted(np.datetime64(FIRST)))
    played = play_with_options(history, [sleeve], terms, options, first, first + SESSIONS)
    return list(
        _lines(name, settings, example.capital_usd, kept, Decimal(str(round(float(played.total.equity[-1]), 2))))
    )


def _lines(
    name: str,
    settings: Mapping[str, object],
    capital: float,
    kept: Sequence[tuple[date, tuple[OptionVerdict, ...]]],
    equity: Decimal,
) -> Iterator[str]:
    yield f"== {name}: {', '.join(f'{key} = {value}' for key, value in settings.items())}"
    yield f"   market {MARKET}, {capital:,.0f} USD; chains of the model, filled halfway to the far side"
    if name in EAGER:
        yield f"   looser than the example, so that two months hold a trade: {', '.join(EAGER[name])}"
    yield "   a line for every proposal and the first of each reason, with what decided"
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for day, verdicts in kept:
        for one in verdicts:
            key = (one.group and "group", one.reasons)
            if one.proposal is None and key in seen:
                continue
            seen.add(key)
            yield f"{day} {one.group or one.underlying:<14} {', '.join(one.reasons)}"
            yield from (f"{'':<11}{line}" for line in _told(one))
    yield f"   {len(kept)} sessions, at the end {equity:,.2f} USD"


def _told(one: OptionVerdict) -> Iterator[str]:
    if (proposal := one.proposal) is not None:
        legs = ", ".join(f"{leg.side.value} {leg.ratio} {leg.contract.words}" for leg in proposal.legs)
        bounds = f"from {proposal.envelope.start} to {proposal.envelope.worst}"
        yield f"{proposal.purpose.value} {proposal.quantity} x {legs}, {bounds}, loses {proposal.most_loss_usd}"
    if one.would is not None:
        yield f"would {one.would.value}"
    yield from map(_condition, one.decided_by)


def _condition(one: Condition) -> str:
    value, threshold = ("unknown" if part is None else f"{part:,.6g}" for part in (one.value, one.threshold))
    return f"{'yes' if one.passed else 'no '} {one.name}: {value} to {threshold}"
