"""A history of a few sessions, and a strategy of options that does in each what a test says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Dividends
from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Sessions
from mtum.core.options.asking import ChainRequest, OptionVerdict, OwnOptions, Proposal
from mtum.core.options.contracts import CLASSES, Delivery, OptionContract, Style
from mtum.core.options.ladder import Envelope, NetPrice
from mtum.core.options.legs import OptionLeg, OptionPurpose
from mtum.core.options.model.answer import answered
from mtum.core.options.model.dividends import expected
from mtum.core.options.model.levels import Level, level_of
from mtum.core.options.model.listing import number_of
from mtum.core.options.model.quotes import ModelChain, ModelMarket
from mtum.core.options.selecting import Window
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.options.gate_facts import OptionRules
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.simulation.options.terms import OptionTerms
from mtum.core.simulation.played import PlayedAccount, PlayTerms
from mtum.core.simulation.session_path import play_with_options
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.errors import DataError
from support.exchange_sessions import xnys

if TYPE_CHECKING:
    from mtum.core.options.chain import ReadChain
    from mtum.core.view import MarketView

RATE = 0.02
CAPITAL = 100_000.0
BUY, SELL = Side.BUY, Side.SELL


@cache
def sessions() -> Sessions:
    return xnys("2017-01-03", "2019-04-01")


def days_from(first: date, count: int) -> list[date]:
    return [one.day for one in sessions() if one.day >= first][:count]


def contract(right: Right, strike: str, expiry: date, underlying: str = "SPY") -> OptionContract:
    kind = next(iter(CLASSES.get(underlying, {}).values()), None)
    style, delivery = (kind.style, kind.delivery) if kind else (Style.AMERICAN, Delivery.SHARES)
    number = number_of(underlying, expiry, right, Decimal(strike))
    return OptionContract(number, underlying, right, Decimal(strike), expiry, expiry, underlying, style, delivery)


def put(strike: str, expiry: date, underlying: str = "SPY") -> OptionContract:
    return contract(Right.PUT, strike, expiry, underlying)


def call(strike: str, expiry: date, underlying: str = "SPY") -> OptionContract:
    return contract(Right.CALL, strike, expiry, underlying)


type Move = tuple[OptionPurpose, tuple[tuple[Side, OptionContract], ...], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted(OptionStrategy):
    """Proposes on each session what its script says; what closes or rolls is the oldest group.

    On the sessions of `at_middle` nothing worse than the middle is taken.
    """

    name: ClassVar[str] = "scripted"
    EACH_BY_ITSELF: ClassVar[bool] = True
    REASONS: ClassVar[Mapping[str, str]] = {"script": "the script says so", "hold": ""}
    symbol: str = "SPY"
    script: Mapping[date, Move] = field(default_factory=dict)
    at_middle: frozenset[date] = frozenset()

    def universe(self) -> tuple[str, ...]:
        return (self.symbol,)

    def history_sessions(self) -> int:
        return 1

    def wants(self, view: "MarketView", own: OwnOptions) -> tuple[ChainRequest, ...]:
        legs = self.script[view.session][1] if view.session in self.script else ()
        if not legs:
            return ()
        held = [lot.contract for group in own.groups for lot in group.lots]
        asked = dict.fromkeys((*held, *(one for _, one in legs)))
        return (ChainRequest(self.symbol, Window(30, 60, 45), frozenset(Right), (0.05, 0.65), tuple(asked)),)

    def option_verdicts(
        self, view: "MarketView", own: OwnOptions, chains: "Mapping[str, ReadChain]"
    ) -> tuple[OptionVerdict, ...]:
        move = self.script.get(view.session)
        if move is None or self.symbol not in chains:
            return ()
        purpose, parts, quantity = move
        quotes = {row.contract.con_id: row.quote for row in chains[self.symbol].chain.rows}
        mids = [(side, quotes[one.con_id].mid or 0.0) for side, one in parts]
        net = NetPrice(Decimal(str(round(sum(mid if side is BUY else -mid for side, mid in mids), 6))))
        closes = purpose is OptionPurpose.CLOSE
        worst = net if view.session in self.at_middle else NetPrice(net + Decimal("0.2"))
        if net < 0:
            worst = NetPrice(min(worst, Decimal("-0.01")))
        group = "" if purpose is OptionPurpose.OPEN else own.groups[0].group
        proposal = Proposal(
            purpose,
            group,
            tuple(OptionLeg(one, side) for side, one in parts),
            quantity,
            Envelope(net, None if closes else worst),
            Decimal(0) if closes else Decimal(100_000),
        )
        return (OptionVerdict(self.symbol, group, proposal, ("script",), ()),)


def history(closes: Mapping[date, float], dividends: Mapping[str, float], symbol: str = "SPY") -> SessionHistory:
    """Bars that open and close at these prices; a dividend is named for its day as ``d20180315=1.2``."""
    days, prices = list(closes), list(closes.values())
    paid = [dividends.get(f"d{day:%Y%m%d}", 0.0) for day in days]
    columns = dict.fromkeys(("open", "high", "low", "close"), prices)
    bars = Bars.from_columns(symbol, "test", days, {**columns, "volume": [1e6] * len(days), "dividend": paid})
    return SessionHistory({symbol: bars}, {}, tuple(one.day for one in sessions()), {symbol: Dividends.KNOWN})


def terms(found: SessionHistory, points: float = 20.0, level: int = 4) -> OptionTerms:
    """The model at one level of the VIX; contracts in any number."""

    def chain(request: ChainRequest, spot: float, at: datetime) -> ModelChain:
        known = level_of(request.underlying, {"VIX": points})
        if not isinstance(known, Level):
            raise DataError(known)
        bars = found.bars.get(request.underlying)
        paid = [] if bars is None else [(bars.day(t), float(bars.dividend[t])) for t in range(len(bars))]
        market = ModelMarket(request.underlying, at.date(), at, spot, RATE, expected(paid, at.date()))
        return answered(request, market, known, sessions())

    def rules(sleeve: Decimal, account: Decimal) -> OptionRules:
        return OptionRules("BACKTEST", 100, 7, Decimal("0.02"), sleeve, account, level, account, Decimal("1.5"))

    return OptionTerms(chain, lambda name, at: points, rules, sessions(), RATE)


def play(
    closes: Mapping[date, float],
    script: Mapping[date, Move],
    *,
    symbol: str = "SPY",
    at_middle: frozenset[date] = frozenset(),
    losses: LossRules | None = None,
    **dividends: float,
) -> PlayedAccount:
    """Play a script over these closes with all the money, and no cost of shares."""
    found = history(closes, dividends, symbol)
    rules = PortfolioRules(SizingRules(1.0, float("inf"), 0.0, PercentCosts(Decimal(0))), losses or LossRules(None))
    sleeve = Sleeve(
        "", Scripted(symbol=symbol, script=script, at_middle=at_middle), 1.0, SleeveState.ON, 0.0, "", rules
    )
    return play_with_options(found, [sleeve], PlayTerms(CAPITAL, rules), terms(found), 0, len(closes))


def unmoved(first: date, count: int, close: float) -> dict[date, float]:
    """So many sessions at one price."""
    return dict.fromkeys(days_from(first, count), close)


WEEK = timedelta(days=7)
