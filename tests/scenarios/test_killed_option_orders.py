"""SIGKILL while option orders are offered, changed, canceled and replaced on the wire: never two, never too many."""

import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.app.options.manage_options import manage_options
from mtum.core.market.instruments import Right
from mtum.core.options.ladder import Envelope, NetPrice
from mtum.core.options.legs import OptionLeg, OptionPurpose
from mtum.core.portfolio.options.orders import OptionIntent, market_of
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.errors import ExitCode
from mtum.gateway.market import MarketClock
from mtum.ports.options import OptionBroker
from support.gateway import ACCOUNT
from support.gateway_desk import put
from support.killed_options import paper_desk
from support.option_gateway import DAY, option_gateway, year_of_sessions

pytestmark = pytest.mark.full
BUY, SELL = Side.BUY, Side.SELL
SINGLE = ((SELL, put("190")),)
CONDOR = (
    (SELL, put("195")),
    (BUY, put("190")),
    (SELL, put("205", Right.CALL)),
    (BUY, put("210", Right.CALL)),
)
STEPS = [
    ("wheel", "option_claimed", 1),
    ("wheel", "option_sent", 1),
    ("wheel", "option_acknowledged", 1),
    ("wheel", "option_claimed", 2),
    ("wheel", "option_changed", 1),
    ("wheel", "option_canceling", 1),
    ("wheel", "option_canceled", 1),
    ("iron_condor", "option_claimed", 1),
    ("iron_condor", "option_sent", 1),
    ("iron_condor", "option_canceling", 1),
    ("iron_condor", "option_canceled", 1),
    ("iron_condor", "option_claimed", 2),
    ("iron_condor", "option_sent", 2),
]


@pytest.mark.parametrize(("strategy", "step", "occurrence"), STEPS)
def test_a_killed_run_is_followed_by_one_that_proves_what_became_of_each_offer(
    tmp_path: Path, strategy: str, step: str, occurrence: int
) -> None:
    session = year_of_sessions().get(DAY)
    assert session is not None
    legs = tuple(OptionLeg(one, side) for side, one in (SINGLE if strategy == "wheel" else CONDOR))
    with option_gateway(clock=MarketClock(session.before_close(22), speed=30.0)) as gateway:
        with paper_desk(gateway.port, tmp_path, strategy) as desk:
            assert isinstance(desk.broker, OptionBroker)
            market = market_of(legs, desk.broker.quotes([leg.contract for leg in legs]))
            assert market is not None
            # A put at the middle works on until it is canceled; a tick further it fills after every step was passed.
            further = Decimal(0) if strategy == "wheel" and step.startswith("option_cancel") else Decimal("0.01")
            intent = OptionIntent(
                account=ACCOUNT,
                session=DAY,
                strategy=strategy,
                underlying="SPY",
                purpose=OptionPurpose.OPEN,
                legs=legs,
                quantity=2,
                envelope=Envelope(market.mid, NetPrice(market.mid + further)),
                spot=Decimal(200),
                group="g1",
                most_loss_usd=Decimal(60_000),
                deadline=session.before_close(5),
            )
            desk.store.options.commit_intents([intent], desk.broker.server_time())
        arguments = [str(tmp_path), str(gateway.port), strategy, step, str(occurrence)]
        died = subprocess.run(
            [sys.executable, "-m", "support.killed_options", *arguments],
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert died.returncode == -signal.SIGKILL, died.stderr[-2000:]
        with paper_desk(gateway.port, tmp_path, strategy) as desk:
            assert isinstance(desk.broker, OptionBroker)
            problems = manage_options(desk, session)
            (state,) = desk.store.options.states(DAY)
            lists = desk.broker.option_lists()
            held = desk.store.options.book().contracts()
    # What the exchange has is in the books, nothing works any more, and never more was filled than wanted.
    assert held == lists.positions
    assert lists.working == ()
    assert state.filled is not None
    assert state.filled <= 2
    if step == "option_claimed" and occurrence == 1:
        # Claimed, and nobody knows whether it was sent: a person's, and nothing takes its place.
        assert state.live is not None
        assert (state.live.status, len(state.attempts)) == (OrderStatus.UNKNOWN, 1)
        assert [problem.exit_code for problem in problems] == [ExitCode.PERSON]
    elif state.live is not None:
        assert state.live.status is OrderStatus.UNKNOWN
        assert [problem.exit_code for problem in problems] == [ExitCode.PERSON]
    elif state.filled < 2:
        assert problems
