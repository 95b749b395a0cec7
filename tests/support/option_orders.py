"""One sound option order of each kind with the facts that let it leave; tests break one thing at a time."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Session
from mtum.core.options.chain import Quote
from mtum.core.options.contracts import Delivery, Listing, OptionContract, Style
from mtum.core.options.ladder import Envelope, NetPrice
from mtum.core.options.legs import OptionLeg, OptionLot, OptionPurpose
from mtum.core.portfolio.options.gate_facts import Detail, Judged, OptionFacts, OptionRules
from mtum.core.portfolio.options.orders import Attempt, OptionIntent, WorkingOrder
from mtum.core.portfolio.orders import Side
from support.values import replace

ACCOUNT, STRATEGY, GROUP = "DU1234567", "wheel", "g1"
DAY = date(2026, 7, 10)
SESSION = Session(DAY, datetime(2026, 7, 10, 13, 30, tzinfo=UTC), datetime(2026, 7, 10, 20, tzinfo=UTC))
NOW = SESSION.before_close(15)
SPOT = Decimal(100)
BUY, SELL = Side.BUY, Side.SELL


def contract(
    right: Right, strike: str | int, expiry: date = date(2026, 8, 21), underlying: str = "SPY"
) -> OptionContract:
    """A contract with a number of its own; on XSP it is European and settles in cash."""
    number = int(Decimal(strike) * 10) + 100_000 * expiry.toordinal() + (50_000 if right is Right.CALL else 0)
    index = underlying != "SPY"
    style, delivery = (Style.EUROPEAN, Delivery.CASH_PM) if index else (Style.AMERICAN, Delivery.SHARES)
    return OptionContract(number, underlying, right, Decimal(strike), expiry, expiry, underlying, style, delivery)


def put(strike: str | int, expiry: date = date(2026, 8, 21), underlying: str = "SPY") -> OptionContract:
    return contract(Right.PUT, strike, expiry, underlying)


def call(strike: str | int, expiry: date = date(2026, 8, 21), underlying: str = "SPY") -> OptionContract:
    return contract(Right.CALL, strike, expiry, underlying)


def net(price: str | int) -> NetPrice:
    return NetPrice(Decimal(price))


def lot(one: OptionContract, quantity: int, premium: str = "1", **changed: object) -> OptionLot:
    sound = OptionLot(ACCOUNT, STRATEGY, GROUP, one, quantity, Decimal(premium), Decimal(0), "m260601-X", DAY)
    return replace(sound, **changed)


def legs(*parts: tuple[Side, OptionContract]) -> tuple[OptionLeg, ...]:
    return tuple(OptionLeg(one, side) for side, one in parts)


def working(*parts: tuple[Side, OptionContract], quantity: int = 1, price: str | None = "-1") -> WorkingOrder:
    """A stranger's order, or one of another group."""
    return WorkingOrder("", "SPY", quantity, legs(*parts), None if price is None else net(price))


RULES = OptionRules(
    account=ACCOUNT,
    paper=True,
    max_quantity=5,
    min_days=7,
    max_spot_move_frac=Decimal("0.02"),
    strategy_loss_usd=Decimal(50_000),
    account_loss_usd=Decimal(60_000),
    level=3,
    max_margin_usd=Decimal(100_000),
    fee_usd=Decimal("0.70"),
)

QUOTES: Mapping[Right, tuple[float, float]] = {Right.PUT: (1.10, 1.20), Right.CALL: (0.90, 1.00)}


def quoted(*contracts: OptionContract) -> dict[int, Quote]:
    """Puts at 1.10 to 1.20, calls at 0.90 to 1.00, and wings, puts to 90 and calls from 110, at 0.40 to 0.50."""
    found = {}
    for one in contracts:
        wing = one.strike <= 90 if one.right is Right.PUT else one.strike >= 110
        found[one.con_id] = Quote(*((0.40, 0.50) if wing else QUOTES[one.right]), NOW - timedelta(seconds=5))
    return found


def described(*contracts: OptionContract) -> dict[int, Detail]:
    row = Listing("SPY", "SMART", "SPY", "100", "USD")
    return {
        one.con_id: Detail(one, replace(row, symbol=one.underlying, trading_class=one.trading_class))
        for one in contracts
    }


def judged(
    purpose: OptionPurpose,
    parts: tuple[tuple[Side, OptionContract], ...],
    price: str,
    start: str,
    worst: str | None,
    lots: tuple[OptionLot, ...] = (),
) -> Judged:
    """An order that nothing speaks against, if the structure is sound; 30,000 USD and no shares."""
    contracts = [one for _, one in parts]
    intent = OptionIntent(
        account=ACCOUNT,
        session=DAY,
        strategy=STRATEGY,
        underlying=contracts[0].underlying,
        purpose=purpose,
        legs=legs(*parts),
        quantity=1,
        envelope=Envelope(net(start), None if worst is None else net(worst)),
        spot=SPOT,
        group=GROUP,
        most_loss_usd=Decimal(20_000),
        deadline=SESSION.before_close(5),
    )
    positions: dict[OptionContract, int] = {}
    for one in lots:
        positions[one.contract] = positions.get(one.contract, 0) + one.quantity
    facts = OptionFacts(
        now=NOW,
        session=SESSION,
        account=ACCOUNT,
        details=described(*contracts),
        positions=positions,
        shares={},
        lots=lots,
        working=(),
        settled_cash_usd=Decimal(30_000),
        share_orders_usd=Decimal(0),
        quotes=quoted(*contracts),
        spot=SPOT,
        tick=Decimal("0.01"),
    )
    return Judged(Attempt(intent, 1, net(price)), facts, RULES)


def with_intent(of: Judged, **changed: object) -> Judged:
    intent = replace(of.attempt.intent, **changed)
    return Judged(replace(of.attempt, intent=intent), of.facts, of.rules)


def with_attempt(of: Judged, **changed: object) -> Judged:
    return Judged(replace(of.attempt, **changed), of.facts, of.rules)


def with_facts(of: Judged, **changed: object) -> Judged:
    return Judged(of.attempt, replace(of.facts, **changed), of.rules)


def with_rules(of: Judged, **changed: object) -> Judged:
    return Judged(of.attempt, of.facts, replace(of.rules, **changed))
