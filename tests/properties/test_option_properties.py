"""Whatever is asked, filled, assigned and expired in whatever order: calls stay covered, puts paid for, books equal."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from mtum.core.market.instruments import Right
from mtum.core.options.chain import Quote
from mtum.core.options.contracts import OptionContract
from mtum.core.options.ladder import Envelope, NetPrice
from mtum.core.options.legs import OptionLeg, OptionPurpose
from mtum.core.portfolio.options.gate import refusal
from mtum.core.portfolio.options.gate_facts import OptionFacts
from mtum.core.portfolio.options.life_cycle import Morning, Night, inferred
from mtum.core.portfolio.options.lots import Book, LegFill, filled, happened, summed
from mtum.core.portfolio.options.orders import Attempt, OptionIntent, WorkingOrder, market_of
from mtum.core.portfolio.options.reservations import groups_of, reservations
from mtum.core.portfolio.orders import Side
from support.option_orders import ACCOUNT, DAY, NOW, RULES, SESSION, SPOT, call, described, put
from support.values import replace

NEAR, FAR = date(2026, 8, 21), date(2026, 9, 18)
CONTRACTS = [make(strike, expiry) for make in (put, call) for strike in (90, 95, 105, 110) for expiry in (NEAR, FAR)]
PRICES = {one.con_id: Quote(0.40 + at % 3, 0.50 + at % 3, NOW) for at, one in enumerate(CONTRACTS)}
LIMITS = replace(
    RULES, strategy_loss_usd=Decimal(10**7), account_loss_usd=Decimal(10**7), max_orders=10**6, max_quantity=3
)
FEE = Decimal("0.70")


@dataclass
class Account:
    """The broker's own books, kept apart from ours: positions, shares and cash, and what works."""

    shares: int
    settled: Decimal
    foreign: dict[OptionContract, int]
    book: Book = Book()
    traded: dict[OptionContract, int] = field(default_factory=dict)
    cash: Decimal = Decimal(0)
    live: list[WorkingOrder] = field(default_factory=list)
    executions: int = 0
    closing: frozenset[str] = frozenset()
    paid_to_close: Decimal = Decimal(0)
    nights: int = 0

    @property
    def positions(self) -> dict[OptionContract, int]:
        return summed(self.foreign, self.traded)

    def facts(self) -> OptionFacts:
        return OptionFacts(
            now=NOW,
            session=SESSION,
            account=ACCOUNT,
            details=described(*CONTRACTS),
            positions=self.positions,
            shares={"SPY": self.shares},
            lots=self.book.lots,
            working=tuple(self.live),
            settled_cash_usd=self.settled + min(Decimal(0), self.cash),
            share_orders_usd=Decimal(0),
            quotes=PRICES,
            spot=SPOT,
            tick=Decimal("0.01"),
        )

    def ask(self, intent: OptionIntent) -> None:
        """The intent goes to the gate at its middle, and works if it passes."""
        market = market_of(intent.legs, PRICES, closes=intent.purpose is OptionPurpose.CLOSE)
        assert market is not None
        price = NetPrice(market.mid)
        worst = NetPrice(market.far)
        intent = replace(intent, envelope=Envelope(price, worst))
        if refusal(Attempt(intent, 1, price), self.facts(), LIMITS) is None:
            ref = f"{intent.id}-1"
            order = WorkingOrder(ref, "SPY", intent.quantity, intent.legs, price, intent.strategy, intent.group)
            self.live.append(order)
            if intent.purpose is OptionPurpose.CLOSE:
                self.closing |= {ref}

    def fill(self, at: int, units: int) -> None:
        """So many units of a live order fill, all legs at the middle; its rest goes on working."""
        if not self.live:
            return
        order = self.live.pop(at % len(self.live))
        done = min(units, order.quantity)
        for leg in order.legs:
            self.executions += 1
            price = Decimal("0.45") + CONTRACTS.index(leg.contract) % 3
            quantity = leg.signed * done
            one = LegFill(
                f"e{self.executions}",
                ACCOUNT,
                order.strategy,
                order.group,
                order.intent,
                leg.contract,
                DAY,
                quantity,
                price,
                FEE,
            )
            self.traded = summed(self.traded, {leg.contract: quantity})
            self.cash += -quantity * price * 100 - FEE
            self.paid_to_close += max(Decimal(0), quantity * price * 100) if order.ref in self.closing else 0
            self.book = filled(self.book, [one, one])
        if done < order.quantity:
            self.live.append(replace(order, quantity=order.quantity - done))

    def close(self, at: int, quantity: int) -> None:
        """One of our lots is asked to be closed, or more of it than there is."""
        if self.book.lots:
            lot = self.book.lots[at % len(self.book.lots)]
            leg = OptionLeg(lot.contract, Side.BUY if lot.quantity < 0 else Side.SELL)
            self.ask(wanted(OptionPurpose.CLOSE, (leg,), quantity, lot.strategy, lot.group))

    def roll(self, at: int, into: int) -> None:
        """One of our short lots is asked to become another contract."""
        shorts = [lot for lot in self.book.lots if lot.quantity < 0]
        if shorts:
            lot = shorts[at % len(shorts)]
            legs = (OptionLeg(lot.contract, Side.BUY), OptionLeg(CONTRACTS[into], Side.SELL))
            self.ask(wanted(OptionPurpose.ROLL, legs, 1, lot.strategy, lot.group))

    def cancel(self, at: int) -> None:
        if self.live:
            self.live.pop(at % len(self.live))

    def assign(self, at: int) -> None:
        """A holder exercises one of our short contracts: shares move, and no message tells it."""
        shorts = [one for one, number in sorted(self.traded.items(), key=lambda pair: pair[0].con_id) if number < 0]
        if not shorts or self.foreign:
            return
        one = shorts[at % len(shorts)]
        before = self.shares
        self.live.clear()  # it comes at night, when no order works
        change = -100 if one.right is Right.CALL else 100
        self.traded = summed(self.traded, {one: 1})
        self.shares += change
        self.cash -= change * one.strike
        self.nights += 1
        self.learn(before, DAY + timedelta(days=self.nights), {})

    def expire(self, close: int) -> None:
        """The nearer contracts end by the official close; all in the money change hands."""
        if self.foreign:
            return
        before, ended = self.shares, {one: number for one, number in self.traded.items() if one.expiry == NEAR}
        for one, number in ended.items():
            inner = close - one.strike if one.right is Right.CALL else one.strike - close
            if inner > 0:
                change = number * (100 if one.right is Right.CALL else -100)
                self.shares += change
                self.cash -= change * one.strike
        self.traded = {one: number for one, number in self.traded.items() if one.expiry != NEAR}
        self.live.clear()
        self.learn(before, FAR.replace(day=1), {("SPY", NEAR): Decimal(close)})

    def learn(self, before: int, day: date, closes: dict[tuple[str, date], Decimal]) -> None:
        change = self.cash - self.book.cash_usd
        morning = Morning(
            ACCOUNT, day, self.book.lots, self.positions, {"SPY": before}, {"SPY": self.shares}, closes=closes
        )
        night = inferred(replace(morning, cash_change_usd=change, asked_again=True))
        assert night.questions == ()
        self.book = happened(happened(self.book, night.events), night.events)
        assert inferred(replace(morning, lots=self.book.lots, shares_before={"SPY": self.shares})) == Night()


def wanted(
    purpose: OptionPurpose, legs: tuple[OptionLeg, ...], quantity: int, strategy: str, group: str
) -> OptionIntent:
    return OptionIntent(
        account=ACCOUNT,
        session=DAY,
        strategy=strategy,
        underlying="SPY",
        purpose=purpose,
        legs=legs,
        quantity=quantity,
        envelope=Envelope(NetPrice(Decimal(0)), None),
        spot=SPOT,
        group=group,
        most_loss_usd=Decimal(10**6),
        deadline=SESSION.close,
    )


def structure(draw: Random) -> tuple[OptionLeg, ...]:
    """One contract, a spread, a condor, or whatever legs come."""
    right, expiry, other = draw.choice(tuple(Right)), draw.choice((NEAR, FAR)), draw.choice((NEAR, FAR))
    mine = [one for one in CONTRACTS if one.right is right]
    match draw.randrange(6):
        case 0 | 1:
            return (OptionLeg(draw.choice(mine), draw.choice((Side.SELL, Side.SELL, Side.BUY))),)
        case 2 | 3:
            first, second = draw.sample(mine, 2)
            return (OptionLeg(first, Side.SELL), OptionLeg(second, Side.BUY))
        case 4:
            wings = ((put(90, other), Side.BUY), (put(95, expiry), Side.SELL))
            return tuple(
                OptionLeg(one, side)
                for one, side in (*wings, (call(105, expiry), Side.SELL), (call(110, other), Side.BUY))
            )
        case _:
            return tuple(OptionLeg(one, draw.choice(tuple(Side))) for one in draw.sample(CONTRACTS, draw.randint(1, 4)))


def step(account: Account, draw: Random) -> None:
    """Whatever may happen next: mostly orders and their fills."""
    at = draw.randrange(6)
    match draw.randrange(20):
        case 0 | 1 | 2 | 3 | 4 | 5:
            purpose = draw.choice((OptionPurpose.OPEN,) * 6 + tuple(OptionPurpose))
            group = draw.choice("abcdef")
            # A group is one strategy's, as a strategy names its own.
            strategy = "wheel" if group in "abc" else "iron_condor"
            account.ask(wanted(purpose, structure(draw), draw.choice((0, 1, 1, 1, 2, 4)), strategy, group))
        case 6 | 7 | 8 | 9 | 10:
            account.fill(at, draw.randint(1, 3))
        case 11 | 12 | 13:
            account.close(at, draw.randint(1, 2))
        case 14 | 15:
            account.roll(at, draw.randrange(len(CONTRACTS)))
        case 16:
            account.cancel(at)
        case _:
            account.assign(at)


def checked(account: Account) -> None:
    """Our books are the broker's; and while no spread is broken, no call is bare and every put is paid for."""
    assert summed(account.book.contracts(), account.foreign) == account.positions
    assert account.book.cash_usd == account.cash
    if account.shares < 0 or any(one.broken for one in account.book.delivered):
        return
    calls = {one: number for one, number in account.positions.items() if one.right is Right.CALL}
    # Hall's condition, with covers that may only live longer: from each expiry on what is sold is bought or held.
    for expiry in (NEAR, FAR):
        longer = [number for one, number in calls.items() if one.expiry >= expiry]
        bought, sold = sum(one for one in longer if one > 0), -sum(one for one in longer if one < 0)
        assert sold <= bought + account.shares // 100
    cash = sum((one.cash_usd for one in reservations(groups_of(account.book.lots, account.positions), ())), Decimal(0))
    # What closes is never kept back for want of cash, nor for its fees.
    beside = FEE * account.executions * 3 + account.paid_to_close
    assert cash <= account.settled + min(Decimal(0), account.cash) + beside


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    shares=st.sampled_from((0, 99, 100, 250, 700)),
    settled=st.sampled_from((0, 700, 9_600, 25_000, 60_000)),
    foreign=st.just({}) | st.dictionaries(st.sampled_from(CONTRACTS), st.just(1), max_size=1),
    close=st.sampled_from((80, 92, 100, 107, 120)),
)
def test_no_sequence_uncovers_a_call_or_sells_a_put_beyond_the_cash(
    seed: int, shares: int, settled: int, foreign: dict[OptionContract, int], close: int
) -> None:
    account, draw = Account(shares, Decimal(settled), foreign), Random(seed)
    for _ in range(40):
        step(account, draw)
        checked(account)
    account.expire(close)
    assert account.book.contracts() == account.traded
    assert account.book.cash_usd == account.cash
