"""The in-process broker with options: fills, cash, lists and nights, worked out by hand."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from mtum.adapters.brokers.simulated import practice_account
from mtum.adapters.brokers.simulated_options import SimulatedOptionBroker
from mtum.adapters.clock import ReplayClock
from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Session
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import Chain, Quote, Row
from mtum.core.options.contracts import OptionContract
from mtum.core.options.ladder import Envelope, NetPrice
from mtum.core.options.legs import OptionLeg, OptionPurpose
from mtum.core.options.model.listing import number_of
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.options.orders import Attempt, OptionIntent
from mtum.core.portfolio.orders import OrderStatus, OrderType, Side, Ticket
from mtum.core.simulation.account_book import CorporateAction
from mtum.core.simulation.admission import ExchangeRules
from mtum.ports.broker import Rejected
from mtum.ports.options import OptionBroker, Working
from support.bars import full_session, weekday_sessions
from support.values import replace

D = Decimal
MON, FRI = full_session(date(2018, 12, 3)), full_session(date(2018, 12, 7))
DAYS = weekday_sessions(date(2018, 12, 3), 15)


@dataclass
class Shop:
    """SPY at 100 on every session but those of `prices`."""

    prices: dict[date, str] = field(default_factory=dict)
    dividends: dict[date, str] = field(default_factory=dict)

    def session_at(self, now: datetime) -> Session:
        return [session for session in DAYS if session.open <= now][-1]

    def sessions_between(self, after: date, until: date) -> tuple[Session, ...]:
        return DAYS.between(after + timedelta(days=1), until) if after < until else ()

    def price(self, symbol: str, session: Session, now: datetime) -> Decimal | None:
        return D(self.prices.get(session.day, "100"))

    def volume(self, symbol: str, session: Session) -> float:
        return 1000.0

    def actions(self, symbol: str, session: Session) -> tuple[CorporateAction, ...]:
        paid = self.dividends.get(session.day)
        return (CorporateAction(symbol, D(paid)),) if paid else ()


@dataclass
class Chains:
    """Every put at 1.10 to 1.20, every call at 0.90 to 1.00, whatever the strike."""

    name: str = "fixed"
    model_priced: bool = True

    def chain(self, request: ChainRequest, spot: float, at: datetime) -> Chain:
        quotes = {Right.PUT: (1.10, 1.20), Right.CALL: (0.90, 1.00)}
        rows = tuple(Row(one, Quote(*quotes[one.right], at)) for one in request.held)
        return Chain(request.underlying, at.date(), spot, at, 0.02, rows)


@dataclass
class Memory:
    content: bytes | None = None

    def load(self) -> bytes | None:
        return self.content

    def save(self, state: bytes) -> None:
        self.content = state


@dataclass
class Floor:
    """A cash account of USD 20,000, 17 minutes before Monday's close."""

    cash: str = "20000"
    kind: str = "cash"
    file: Memory = field(default_factory=Memory)
    shop: Shop = field(default_factory=Shop)
    clock: ReplayClock = field(default_factory=lambda: ReplayClock(MON.before_close(17)))

    def broker(self) -> SimulatedOptionBroker:
        account = practice_account("DUP1", self.kind, D(self.cash))
        rules = ExchangeRules(costs=PercentCosts(D(0)))
        broker = SimulatedOptionBroker(account, self.file, self.shop, self.clock, rules)
        broker.trade_at(Chains(), 0.02, 3)
        broker.connect()
        return broker

    def at(self, session: Session, minutes: float = 17) -> SimulatedOptionBroker:
        self.clock.wait_until(session.before_close(minutes))
        return self.broker()


def contract(right: Right, strike: int, expiry: date = FRI.day) -> OptionContract:
    return OptionContract(number_of("SPY", expiry, right, D(strike)), "SPY", right, D(strike), expiry, expiry, "SPY")


def put(strike: int) -> OptionContract:
    return contract(Right.PUT, strike)


def attempt(*legs: tuple[Side, OptionContract], price: str, quantity: int = 1, number: int = 1) -> Attempt:
    made = tuple(OptionLeg(one, side) for side, one in legs)
    net = NetPrice(D(price))
    intent = OptionIntent(
        account="DUP1",
        session=MON.day,
        strategy="wheel",
        underlying="SPY",
        purpose=OptionPurpose.OPEN,
        legs=made,
        quantity=quantity,
        envelope=Envelope(net, None),
        spot=D(100),
        group="g1",
        most_loss_usd=D(9500),
        deadline=MON.before_close(5),
    )
    return Attempt(intent, number, net)


SOLD_PUT = attempt((Side.SELL, put(95)), price="-1.12")
CONDOR = (
    (Side.BUY, put(90)),
    (Side.SELL, put(95)),
    (Side.SELL, contract(Right.CALL, 105)),
    (Side.BUY, contract(Right.CALL, 110)),
)


def test_it_is_a_broker_of_options() -> None:
    assert isinstance(Floor().broker(), OptionBroker)


def test_a_put_fills_halfway_to_the_bid_and_its_premium_settles_on_the_next_session() -> None:
    floor = Floor()
    broker = floor.broker()
    outcome = broker.place(SOLD_PUT)
    # The middle is 1.15, halfway to the bid 1.125: as near to 1.13 as to 1.12; the fee is 1.00 at least.
    assert isinstance(outcome, Working)
    assert (outcome.ref, outcome.filled) == (SOLD_PUT.ref, 1)
    lists = broker.option_lists()
    assert dict(lists.positions) == {put(95): -1}
    assert (lists.working, lists.completed) == ((), {SOLD_PUT.ref: OrderStatus.FILLED})
    [fill] = lists.fills
    assert (fill.contract, fill.quantity, fill.price, fill.fee_usd, fill.combo) == (put(95), -1, D("1.13"), D(1), False)
    assert (lists.account.cash_usd, lists.account.settled_usd) == (D("20112.00"), D("20000.00"))
    # Marked at the middle: 20,112 less 115.
    assert lists.account.net_liquidation_usd == D(19997)
    assert floor.at(DAYS.known[1]).lists().account.settled_usd == D("20112.00")


def test_an_order_at_the_middle_rests_and_is_changed_in_place() -> None:
    broker = Floor().broker()
    first = broker.place(attempt((Side.SELL, put(95)), price="-1.15"))
    assert isinstance(first, Working)
    assert first.filled == 0
    [working] = broker.option_lists().working
    assert (working.ref, working.quantity, working.price) == (SOLD_PUT.ref, 1, D("-1.15"))
    changed = broker.change(SOLD_PUT)
    assert isinstance(changed, Working)
    assert (changed.filled, changed.broker_id) == (1, first.broker_id)


def test_a_combination_is_not_changed_but_canceled() -> None:
    broker = Floor(kind="margin").broker()
    condor = attempt(*CONDOR, price="-1.50")
    assert isinstance(broker.place(condor), Working)
    refused = broker.change(condor)
    assert isinstance(refused, Rejected)
    assert refused.code == 105
    assert broker.cancel_option(condor.ref)
    assert broker.option_lists().completed == {condor.ref: OrderStatus.CANCELED}


def test_a_condor_fills_as_a_whole_with_one_record_that_is_never_booked() -> None:
    broker = Floor(kind="margin").broker()
    # Bought at 1.20 + 1.00, sold at 1.10 + 0.90: far side +0.20, middle 0; halfway 0.10.
    outcome = broker.place(attempt(*CONDOR, price="0.20", quantity=2))
    assert isinstance(outcome, Working)
    assert outcome.filled == 2
    lists = broker.option_lists()
    whole, *legs = lists.fills
    assert (whole.combo, whole.contract, whole.quantity, whole.price) == (True, None, 2, D("0.10"))
    assert sum(leg.quantity * leg.price for leg in legs) == 2 * D("0.10")
    assert sum(leg.fee_usd or 0 for leg in legs) == D("5.60")
    assert lists.account.cash_usd == D(20_000) - 20 - D("5.60")


def test_a_trial_tells_the_margin_and_whether_one_side_is_held_back() -> None:
    broker = Floor(kind="margin").broker()
    told = broker.option_what_if(attempt(*CONDOR, price="-1.00"))
    assert told is not None
    # Both wings 5 wide: one of them, 500.
    assert (told.margin_usd, told.one_side) == (D(500), True)
    assert broker.option_what_if(attempt((Side.SELL, contract(Right.CALL, 105)), price="-1.00")) is None


def test_what_a_put_pins_can_be_spent_on_no_shares_and_no_second_put() -> None:
    broker = Floor(cash="10000").broker()
    assert isinstance(broker.place(SOLD_PUT), Working)
    shares = Ticket("DUP1", "SPY", Side.BUY, OrderType.MARKET_ON_CLOSE, 6, "m181203-AAAAAAAAAAAA-1")
    refused = broker.submit(shares)
    assert isinstance(refused, Rejected)
    # 10,000 settled less 9,500 of the strike.
    assert "needs USD 600.00, settled cash free USD 500.00" in refused.text
    again = broker.place(attempt((Side.SELL, put(90)), price="-1.12"))
    assert isinstance(again, Rejected)
    assert again.code == 201


def test_an_assigned_put_brings_shares_at_its_strike_and_a_missed_one_nothing() -> None:
    floor = Floor()
    for strike in (95, 90):
        assert isinstance(floor.broker().place(attempt((Side.SELL, put(strike)), price="-1.12")), Working)
    floor.shop.prices = {session.day: "94" for session in DAYS if session.day >= FRI.day}
    monday = full_session(date(2018, 12, 10))
    lists = floor.at(monday).option_lists()
    assert (dict(lists.positions), dict(lists.shares), lists.fills) == ({}, {"SPY": 100}, ())
    assert lists.account.cash_usd == D(20_000) + 2 * D("112.00") - 9500


def test_a_covered_call_goes_the_night_before_the_dividend_and_its_shares_are_pledged_until_then() -> None:
    floor = Floor()
    bought = Ticket("DUP1", "SPY", Side.BUY, OrderType.MARKET, 100, "m181203-AAAAAAAAAAAA-1")
    floor.broker().submit(bought)
    call = attempt((Side.SELL, contract(Right.CALL, 105, date(2018, 12, 14))), price="-0.90")
    assert isinstance(floor.broker().place(call), Working)
    sale = Ticket("DUP1", "SPY", Side.SELL, OrderType.MARKET_ON_CLOSE, 1, "m181203-BBBBBBBBBBBB-1")
    refused = floor.broker().submit(sale)
    assert isinstance(refused, Rejected)
    # 8 in the money on Tuesday, a dividend of 2 on Wednesday, and the put of the same strike worth 1.15.
    tuesday, wednesday = DAYS.known[1], DAYS.known[2]
    floor.shop.prices = {tuesday.day: "113", wednesday.day: "111"}
    floor.shop.dividends = {wednesday.day: "2"}
    lists = floor.at(wednesday).option_lists()
    assert (dict(lists.positions), dict(lists.shares)) == ({}, {})
    # Sold at 105 for what was bought at 100, with 0.93 of premium less the fee, and no dividend.
    assert lists.account.cash_usd == D(20_000) + 500 + D("93.00") - 1


def test_options_on_a_symbol_with_digits_are_listed_contracts_of_100_shares_too() -> None:
    number = number_of("SP500", FRI.day, Right.PUT, D(95))
    one = OptionContract(number, "SP500", Right.PUT, D(95), FRI.day, FRI.day, "SP500")
    sold = attempt((Side.SELL, one), price="-1.12")
    broker = Floor().broker()
    assert isinstance(broker.place(replace(sold, intent=replace(sold.intent, underlying="SP500"))), Working)
    assert broker.option_lists().account.cash_usd == D("20112.00")
    assert broker.lists().others == ()


def test_the_file_knows_orders_and_positions() -> None:
    floor = Floor()
    floor.broker().place(SOLD_PUT)
    lists = floor.broker().option_lists()
    assert dict(lists.positions) == {put(95): -1}
    assert dict(floor.broker().details([put(95)])).keys() == {put(95).con_id}
    assert floor.broker().tick(SOLD_PUT.intent.legs, D("-1.12")) == D("0.01")
