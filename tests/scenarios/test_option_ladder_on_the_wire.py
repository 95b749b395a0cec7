"""Option orders of a paper desk on the practice gateway: offered, improved and proven, gate and books between."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path

import pytest

from mtum.app.desk import Desk
from mtum.app.options.manage_options import manage_options
from mtum.app.service.rehearse_market import CheckState
from mtum.app.service.rehearse_options import option_checks
from mtum.core.market.instruments import Right
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import SOLD, read
from mtum.core.options.contracts import OptionContract
from mtum.core.options.ladder import Envelope, NetPrice
from mtum.core.options.legs import OptionLeg, OptionPurpose
from mtum.core.options.selecting import Role, Window, choose
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.orders import Attempt, OptionIntent, market_of
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.gateway.market import MarketClock
from mtum.ports.broker import Denied
from mtum.ports.options import OptionBroker, Working
from mtum.ports.records import CashMovement
from mtum.wiring import desks
from support.gateway import ACCOUNT, Running
from support.gateway_desk import put
from support.option_gateway import DAY, option_gateway, year_of_sessions
from support.practice import settings_of

pytestmark = pytest.mark.full
BUY, SELL = Side.BUY, Side.SELL
MONTH = Window(30, 60, 45)


@contextmanager
def paper_desk(gateway: Running, folder: Path, strategy: str) -> Iterator[Desk]:
    settings = settings_of(
        mode="paper",
        broker__account=ACCOUNT,
        broker__port=gateway.port,
        broker__connect_seconds=20,
        broker__request_seconds=10,
        market__source="ib",
        portfolio__strategy=strategy,
        portfolio__capital_usd=90000,
        options__level=3,
    )
    with desks.live_desk(settings, folder, None) as desk:
        desk.broker.connect()
        paid = CashMovement(f"capital:{strategy}", strategy, DAY, "capital", Decimal(90_000))
        desk.store.ledger.move_cash([paid])
        yield desk


def wanted(strategy: str, *parts: tuple[Side, OptionContract], price: Decimal) -> OptionIntent:
    session = year_of_sessions().get(DAY)
    assert session is not None
    return OptionIntent(
        account=ACCOUNT,
        session=DAY,
        strategy=strategy,
        underlying="SPY",
        purpose=OptionPurpose.OPEN,
        legs=tuple(OptionLeg(contract, side) for side, contract in parts),
        quantity=1,
        envelope=Envelope(NetPrice(price), NetPrice(Decimal("-0.05"))),
        spot=Decimal(200),
        group="g1",
        most_loss_usd=Decimal(20_000),
        deadline=session.before_close(5),
    )


def test_a_put_chosen_from_the_brokers_chain_passes_the_gate_and_works(tmp_path: Path) -> None:
    with option_gateway(minutes=16) as gateway, paper_desk(gateway, tmp_path, "wheel") as desk:
        assert desk.chains is not None
        assert isinstance(desk.broker, OptionBroker)
        now = desk.broker.server_time()
        request = ChainRequest("SPY", MONTH, frozenset({Right.PUT}), (0.20, 0.30))
        chain = read(desk.chains.chain(request, 200.0, now))
        chosen = choose(chain, MONTH, [Role(Right.PUT, False, 0.25, SOLD)]).chosen
        assert chosen is not None
        (leg,) = chosen.legs
        price = -exact(leg.reading.row.quote.ask or 0.0)  # where nothing fills at once
        intent = wanted("wheel", (SELL, leg.contract), price=price)
        desk.store.options.commit_intents([intent], now)
        made = Attempt(intent, 1, NetPrice(price))
        desk.store.options.claim_attempt(made, now)
        assert isinstance(desk.broker.place(made), Working)
        (working,) = desk.broker.option_lists().working
        assert (working.ref, working.price) == (made.ref, price)
        # 100,000 USD hold back one strike of 100 shares, and a second put of the gate's own making is refused by it.
        rich = Attempt(intent, 2, NetPrice(price - 3))
        outcome = desk.broker.place(rich)
        assert isinstance(outcome, Denied)
        assert outcome.code in ("market", "attempt")


@pytest.mark.parametrize(
    ("strategy", "switches", "state", "word"),
    [
        ("wheel", {}, CheckState.OK, "contracts quoted, 2 expiries (ib)"),
        ("vix_hedge", {}, CheckState.OK, "contracts quoted"),
        ("wheel", {"no_option_data": ["SPY"]}, CheckState.NO_GO, "354"),
        ("wheel", {"doubled_chains": ["SPY"]}, CheckState.NO_GO, "lists class SPY more than once"),
    ],
)
def test_a_rehearsal_looks_at_the_chain_of_every_underlying(
    tmp_path: Path, strategy: str, switches: dict[str, list[str]], state: CheckState, word: str
) -> None:
    with option_gateway(minutes=90) as gateway, paper_desk(gateway, tmp_path, strategy) as desk:
        gateway.tell("behavior", **switches)
        assert desk.chains is not None
        listed, chain = option_checks(desk, desk.chains)
    assert (listed.state, listed.found) == (CheckState.OK, "0 contracts held, 0 orders work")
    assert chain.state is state, chain
    assert word in chain.found
    assert chain.name == ("chain VIX" if strategy == "vix_hedge" else "chain SPY")


def test_a_condor_walks_down_the_ladder_one_combination_after_the_other_and_is_booked_once(tmp_path: Path) -> None:
    session = year_of_sessions().get(DAY)
    assert session is not None
    clock = MarketClock(session.before_close(18), speed=20.0)
    legs = (
        (SELL, put("195")),
        (BUY, put("190")),
        (SELL, put("205", Right.CALL)),
        (BUY, put("210", Right.CALL)),
    )
    with option_gateway(clock=clock) as gateway, paper_desk(gateway, tmp_path, "iron_condor") as desk:
        assert isinstance(desk.broker, OptionBroker)
        market = market_of([OptionLeg(one, side) for side, one in legs], desk.broker.quotes([one for _, one in legs]))
        assert market is not None
        intent = wanted("iron_condor", *legs, price=market.mid.quantize(Decimal("0.01"), ROUND_FLOOR))
        desk.store.options.commit_intents([intent], desk.broker.server_time())
        assert manage_options(desk, session) == ()
        (state,) = desk.store.options.states(DAY)
        lists = desk.broker.option_lists()
        fills, cash = desk.store.options.fills(), desk.store.options.book().cash_usd
    assert (state.status, state.filled) == (OrderStatus.FILLED, 1)
    prices = [one.attempt.price for one in state.attempts]
    assert prices == sorted(prices)
    assert prices[-1] <= market.far
    ended = [one.status for one in state.attempts]
    assert ended == [OrderStatus.CANCELED] * (len(ended) - 1) + [OrderStatus.FILLED]
    assert lists.positions == {one: 1 if side is BUY else -1 for side, one in legs}
    assert (lists.unread, lists.unknown) == ((), ())
    # What the legs brought for 100 shares, less 0.70 for each of the four.
    brought = -100 * sum((fill.quantity * fill.price for fill in fills), Decimal(0))
    assert cash == brought - Decimal("2.80")
    assert brought >= -100 * prices[-1]
