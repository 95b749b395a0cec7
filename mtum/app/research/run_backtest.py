"""One strategy over one history: played, measured, set beside buy-and-hold."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct, field
from msgspec.structs import asdict

from mtum.app.research.backtest_request import BacktestRequest, DecisionModel
from mtum.app.research.load import load
from mtum.app.research.steps import tell_step
from mtum.config import Settings
from mtum.core.canonical import as_table
from mtum.core.compiled import is_compiled
from mtum.core.market.bars import Days
from mtum.core.market.embedded import truths
from mtum.core.market.instruments import unit_usd
from mtum.core.market.volume import VolumeMode
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sleeves import Sleeve
from mtum.core.reporting.words import count
from mtum.core.research.benchmark import BuyAndHoldCurves, buy_and_hold_weighted
from mtum.core.research.metrics import CurveMetrics, TradeMetrics, cautions, curve_metrics, trade_metrics
from mtum.core.simulation.backtest import known_of, run
from mtum.core.simulation.fill_costs import costs_taken
from mtum.core.simulation.history import History, history, vix_column
from mtum.core.simulation.kernel.near_close import play_seen
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.near_close import (
    NearCloseModel,
    NearCloseSpread,
    draws,
    near_close_spread,
    played_near_close,
)
from mtum.core.simulation.played import Played, PlayedAccount, PlayedOrder, PlayedTrade, PlayTerms
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.errors import UsageError
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

if TYPE_CHECKING:
    from mtum.app.research.option_backtest import ChainsAt, OptionResults

DRAWS = 200
NOT_MODELLED = "Not modelled: a thin closing auction, halts and approvals of a person."
"""What a backtest knows nothing of."""
NO_PERSON = "Not modelled: halts and approvals of a person."
"""The same where `portfolio.auction_volume_frac` says how thin the auction is."""
ALONE = "Not modelled: cash between sleeves, the cash fund, limits of the account."
"""What a backtest of one strategy out of an account knows nothing of."""
OTHER_CORRELATIONS = (-0.8, 0.0)
READING, PLAYING = "reading bars", "playing sessions"
"""Steps of a backtest."""
COMPILING = "compiling the fast path, once on this machine (about 10 seconds) ..."

type Tell = Callable[[str], None]
"""Called with progress messages for the person who waits."""


class Backtested(Struct, frozen=True):
    """A history, what was played on it and what that was worth.

    Parameters
    ----------
    market : SessionHistory
        Bars of every symbol, warm-up included; `span` is what of its sessions was decided.
    history : History or None
        The same for the fast path, where that played.
    sleeves : tuple of Sleeve
        Those of an account that was played as one, `account`; `strategy` is then that of the first.
    seconds : mapping
        By step: `load` reads and checks bars, `indicators` works out every
        condition once, `simulate` is the rest of the pass; for a strategy played session by session the
        indicators are part of the simulation.
    options : OptionResults or None
        What a sleeve of options did, at each level of the band.
    """

    asked: BacktestRequest
    strategy: Strategy
    market: SessionHistory
    notes: tuple[str, ...]
    history: History | None
    span: Span
    played: Played
    held: BuyAndHoldCurves
    seconds: dict[str, float]
    near_close: tuple[NearCloseSpread, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    sleeves: tuple[Sleeve, ...] = ()
    account: PlayedAccount | None = None
    options: "OptionResults | None" = None

    @property
    def strategies(self) -> Mapping[str, Strategy]:
        """Every strategy that decided, by the name of its sleeve."""
        deciding = {one.name: one.strategy for one in self.sleeves if one.decides}
        return deciding or {self.asked.sleeve or self.strategy.name: self.strategy}

    @property
    def capital_usd(self) -> float:
        """What the sleeve was worth at the start."""
        return self.played.capital_usd

    @property
    def symbols(self) -> tuple[str, ...]:
        """What the strategy may hold, or the sleeves of the account."""
        return tuple(dict.fromkeys(symbol for one in self.strategies.values() for symbol in one.universe()))


def run_backtest(
    asked: BacktestRequest, source: BarSource, calendar: Calendar, tell: Tell, chains: "ChainsAt | None" = None
) -> Backtested:
    """Load, play and measure.

    Parameters
    ----------
    asked : BacktestRequest
        One question to history.
    source : BarSource
        Daily bars, today's unfinished bar and the VIX from one vendor.
    calendar : Calendar
        The exchange's trading sessions.
    tell : Tell
        Called with progress messages for the person who waits.
    chains : callable or None
        Where options are quoted; None for the model over the same source.

    Raises
    ------
    UsageError, DataError
        If the question cannot be answered from these bars.
    """
    strategy = asked.active_strategy()
    terms = asked.terms()
    if asked.decision is DecisionModel.NEAR_CLOSE and not (
        isinstance(strategy, MtumConfluence) and terms.fits_fast_path
    ):
        raise UsageError(f"--decision near_close is made for mtum_confluence, not for {_unknown(strategy)}")
    began = perf_counter()
    tell_step(READING)
    loaded = load(asked, strategy, source, calendar)
    strategy = loaded.strategy
    span = Span(loaded.first, len(loaded.market.days))
    tell_step(PLAYING, 0, span.stop - span.first)
    ready, indicators = None, 0.0
    if isinstance(strategy, MtumConfluence) and terms.fits_fast_path:
        ready = history(loaded.bars, loaded.vix, terms.settlement.value)
        if asked.decision is DecisionModel.NEAR_CLOSE:
            tell_compiling(tell, play_seen)
        started = perf_counter()
        known_of(ready, strategy)
        indicators = perf_counter() - started
    prepared = perf_counter()
    options: OptionResults | None = None
    spreads: tuple[NearCloseSpread, ...] = ()
    if strategy.OPTIONS:
        from mtum.app.research.option_backtest import OptionMarket, alone, play_options  # what shares do without

        at = OptionMarket(source, calendar, chains)
        options = play_options(asked, [alone(asked, strategy)], loaded.market, span, at)
        played = options.account.total
    else:
        played, spreads = _played(asked, strategy, loaded.market, ready, span)
    simulated = perf_counter() - prepared
    costs = terms.rules.sizing.costs
    compared = asked.compared_with(strategy)
    held = buy_and_hold_weighted(loaded.market, span, compared, played.capital_usd, costs)
    # The pass works its conditions out again, so their time is not the simulation's.
    seconds = {
        "load": prepared - began - indicators,
        "indicators": indicators,
        "simulate": max(0.0, simulated - indicators),
    }
    notes = loaded.notes
    left_out = loaded.left_out
    return Backtested(
        asked, strategy, loaded.market, notes, ready, span, played, held, seconds, spreads, left_out, options=options
    )


def _unknown(strategy: Strategy) -> str:
    # What has no fast path, in words.
    if isinstance(strategy, MtumConfluence):
        return "a start with shares, limits of the account, a daily loss as a fraction or stops"
    return strategy.name


def _played(
    asked: BacktestRequest, strategy: Strategy, market: SessionHistory, ready: History | None, span: Span
) -> tuple[Played, tuple[NearCloseSpread, ...]]:
    terms = asked.terms()
    if ready is None or not isinstance(strategy, MtumConfluence):
        from mtum.core.simulation.play_strategy import play_strategy  # what mtum_confluence does without

        return play_strategy(market, strategy, terms, *span), ()
    # What is played once does without numba; what looks at many pasts needs it anyway.
    near_close = asked.decision is DecisionModel.NEAR_CLOSE
    played = run(ready, strategy, terms, span, plain=not near_close)
    if near_close:
        mode = VolumeMode(asked.settings.market.volume_mode)
        return near_close_results(ready, strategy, terms, played, mode)
    return played, ()


def tell_compiling(tell: Tell, *loops: Callable[..., object]) -> None:
    """Say that the first call takes a while, if it does."""
    if not is_compiled(*loops):
        tell(COMPILING)


def near_close_results(
    ready: History, strategy: MtumConfluence, terms: PlayTerms, official: Played, mode: VolumeMode
) -> tuple[Played, tuple[NearCloseSpread, ...]]:
    """Return the draw whose result is in the middle, and the spread with three ties of price and VIX.

    Parameters
    ----------
    ready : History
        Columns of one symbol, oldest first, shape (n_sessions,) each.
    strategy : MtumConfluence
        Parameters of the strategy; defaults are the documented rules.
    terms : PlayTerms
        On what terms history is played.
    official : Played
        A history played: sessions decided, equity at each close in USD, trades in order.
    mode : VolumeMode
        Which volume of today the rules use.
    """
    span = Span(len(ready) - len(official.days), len(ready))
    fitted = NearCloseModel()
    found = []
    for model in (fitted, *(fitted.with_correlation(other) for other in OTHER_CORRELATIONS)):
        played = [
            played_near_close(ready, strategy, terms, span, seen) for seen in draws(ready, strategy, model, mode, DRAWS)
        ]
        found.append((played, near_close_spread(official, played, model.correlation)))
    middle = sorted(found[0][0], key=lambda one: one.final_equity_usd)[DRAWS // 2]
    return middle, tuple(spread for _, spread in found)


def document(found: Backtested) -> dict[str, Any]:
    """Return the result as the contract of `mtum backtest --json` has it."""
    asked, played, name = found.asked, found.played, next(iter(found.strategies))
    options = _options_document(found)
    apart = asked.settings.sleeve or asked.sleeve
    return {
        "symbol": ", ".join(found.symbols),
        "symbols": list(found.symbols),
        "left_out": dict(found.left_out),
        "strategy": ", ".join(found.strategies) if found.account else found.strategy.name,
        "source": found.market.bars[found.symbols[0]].source,
        "start": found.market.day(found.span.first),
        "end": found.market.day(found.span.stop - 1),
        "sessions": len(played.days),
        "settings": asked.settings_document(),
        "fill_model": asked.fill,
        "decision_model": asked.decision.value,
        "trades": [trade_document(trade, name) for trade in played.trades],
        "orders": [_order_document(order, name) for order in played.orders],
        "final_equity_usd": round(played.final_equity_usd, 6),
        "costs": costs_document(played, asked.terms()),
        "purchases_capped": played.purchases_capped,
        "assumptions": [
            NOT_MODELLED if asked.terms().auction_volume_frac is None else NO_PERSON,
            *([ALONE] if apart and found.account is None else []),
        ],
        "metrics": {
            **metrics_document(played),
            "cautions": [*options.get("cautions", ()), *cautions(played), *_market_cautions(found)],
        },
        "benchmark": benchmark_document(found.held, found.capital_usd),
        **({"options": options} if options else {}),
        **({"near_close": [asdict(spread) for spread in found.near_close]} if found.near_close else {}),
        "seconds": {step: round(took, 6) for step, took in found.seconds.items()},
    }


def _options_document(found: Backtested) -> dict[str, Any]:
    if found.options is None:
        return {}
    from mtum.app.research.option_backtest import cautions_of, options_document

    document = options_document(found.options)
    return {**document, "cautions": cautions_of(document)}


def trade_document(trade: PlayedTrade, sleeve: str = "") -> dict[str, Any]:
    """Return one trade as plain values; an open one has no exit, and one that names no sleeve is that sleeve's."""
    return {
        "sleeve": trade.sleeve or sleeve,
        "symbol": trade.symbol,
        "entry_session": trade.entry_session,
        "entry_price": trade.entry_price,
        "exit_session": trade.exit_session,
        "exit_price": trade.exit_price,
        "shares": trade.shares,
        "pnl_usd": round(trade.pnl_usd, 6),
        "return_frac": round(trade.return_frac, 6),
        "reason": trade.reason,
        "reasons": list(trade.reasons),
        "sessions_held": trade.sessions_held,
        "costs_usd": trade.costs_usd,
        "dividends_usd": trade.dividends_usd,
    }


def _order_document(order: PlayedOrder, sleeve: str) -> dict[str, Any]:
    # A backtest of one strategy is that of one sleeve, which is named like it.
    return {
        "session": order.session,
        "sleeve": order.sleeve or sleeve,
        "symbol": order.symbol,
        "side": order.side.value,
        "shares": order.shares,
        "crossed": order.crossed,
        "price": order.price,
        "reasons": list(order.reasons),
    }


def costs_document(played: Played, terms: PlayTerms) -> dict[str, float]:
    """Return what the fills cost by kind and together, and what they traded, all in USD; a cross costs nothing."""
    taken = costs_taken(played, terms)
    traded = sum((one.shares - one.crossed) * unit_usd(one.symbol, one.price) for one in played.orders)
    return {
        **{f"{kind}_usd": round(usd, 6) for kind, usd in taken.items()},
        "total_usd": round(sum(taken.values()), 6),
        "traded_usd": round(traded, 6),
    }


def metrics_document(played: Played) -> dict[str, Any]:
    """Return the metrics of curve and trades."""
    curve = curve_metrics(played.equity, played.days, played.capital_usd)
    return {**curve_document(curve), **_trades_document(trade_metrics(played))}


def sizing_cautions(settings: Settings, purchases: int, capped: int) -> Iterator[str]:
    """Say what kept purchases smaller than those of the benchmark, which puts in all its cash.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    purchases, capped : int
        Purchases made, and those of them that `risk.max_position_usd` made smaller.
    """
    if capped:
        limit = settings.risk.max_position_usd or float("inf")
        yield (
            f"risk.max_position_usd ({limit:,.0f} USD) made {capped} of {purchases} purchases smaller; "
            "buying and holding is not capped"
        )
    if settings.portfolio.max_position_frac < 1:
        share = 100 * settings.portfolio.max_position_frac
        yield f"purchases take at most {share:g} % of the equity (portfolio.max_position_frac); holding takes all of it"


def stand_in(settings: Settings, symbols: Iterable[str]) -> tuple[str, ...]:
    """Say of each symbol of an embedded market what it is, or whose bars these are."""
    market = settings.market
    return truths(market.sample, symbols) if market.source == "sample" else ()


def _market_cautions(found: Backtested) -> Iterator[str]:
    yield from stand_in(found.asked.settings, found.market.bars)
    yield from dict.fromkeys(line for one in found.strategies.values() for line in one.CAUTIONS)
    bought = sum(order.side is Side.BUY for order in found.played.orders)
    yield from sizing_cautions(found.asked.settings, bought, found.played.purchases_capped)
    yield from found.notes
    yield from found.played.notes
    for name in dict.fromkeys(name for one in found.strategies.values() for name in one.series()):
        unknown = np.isnan(vix_column(found.played.days, found.market.series[name]))
        if unknown.any():
            first = found.played.days[int(np.argmax(unknown))]
            lacking = count(int(unknown.sum()), "session")
            yield f"{lacking} without a {name} close, the first {first}: nothing is entered there"


def curve_document(metrics: CurveMetrics) -> dict[str, Any]:
    """Return the metrics of a curve as plain values, the drawdown's dates beside its size."""
    plain = as_table(metrics)
    fall = plain.pop("max_drawdown")
    return {
        **{name: _short(number) for name, number in plain.items()},
        "max_drawdown_frac": _short(fall["frac"]),
        "max_drawdown_peak": fall["peak"],
        "max_drawdown_trough": fall["trough"],
        "max_drawdown_recovery": fall["recovery"],
    }


def benchmark_document(held: BuyAndHoldCurves, capital_usd: float) -> dict[str, Any]:
    """Return buy-and-hold with dividends reinvested; with dividends kept as cash beside it."""

    def measured(equity: Any, days: Days) -> dict[str, Any]:
        return {
            "final_equity_usd": round(float(equity[-1]), 6),
            **curve_document(curve_metrics(equity, days, capital_usd)),
        }

    return {
        "shares": held.shares if len(held.shares) > 1 else next(iter(held.shares.values())),
        "entry_cost_usd": held.entry_cost_usd,
        **measured(held.reinvested, held.days),
        "unreinvested": measured(held.unreinvested, held.days),
    }


def _trades_document(metrics: TradeMetrics) -> dict[str, Any]:
    plain = as_table(metrics)
    rows = plain.pop("exit_reasons")
    return {
        **{name: _short(number) for name, number in plain.items()},
        "exit_reasons": [{name: _short(cell) for name, cell in row.items()} for row in rows],
    }


def _short(number: Any) -> Any:
    return round(number, 6) if isinstance(number, float) else number
