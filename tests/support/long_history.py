"""Years of a trading history written straight into the store, one played session being the pattern of all."""

from datetime import date, timedelta
from decimal import Decimal

from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, OrderType, Purpose, Side, intent_id
from mtum.ports.records import DecisionRecord, EquityPoint, Observed
from support.report_history import ACCOUNT, HISTORY, SYMBOL, History
from support.values import replace

STRATEGY = "mtum_confluence"
ROUND_TRIP = 14
"""Sessions between two entries; the exit follows half way."""
SHARES = 10


def write_years(history: History, until: int) -> int:
    """Write runs, decisions, reports, equity and round trips up to that position of the bars; return how many."""
    pattern = history.bars.day(HISTORY)
    history.play(HISTORY)
    report = dict(history.report(pattern).document)
    decision = history.store.decisions.decision_of(pattern, STRATEGY)
    assert decision is not None
    (point,) = history.store.ledger.equity(STRATEGY)
    written = 1
    for index in range(until):
        day = history.bars.day(index)
        if day != pattern:
            _write(history, day, decision, point, report)
            written += 1
        if index % ROUND_TRIP in (0, ROUND_TRIP // 2):
            _trade(history, day, index, Side.BUY if index % ROUND_TRIP == 0 else Side.SELL)
    return written


def _write(
    history: History, day: date, decision: DecisionRecord, point: EquityPoint, report: dict[str, object]
) -> None:
    store, close = history.store, history.calendar.session(day).close
    store.decisions.commit_decisions([replace(decision, session=day, decided_at=close - timedelta(minutes=19))], ())
    for job, document in (
        ("decide_and_order", {"problems": []}),
        ("confirm_fills", {"problems": []}),
        ("daily_report", {**report, "session": str(day)}),
    ):
        run = store.runs.start_run(job, "", day, close)
        store.runs.finish_run(run, close, "finished", 0, document)
    store.ledger.write_equity(replace(point, session=day))


def _trade(history: History, day: date, index: int, side: Side) -> None:
    orders, close = history.store.orders, history.calendar.session(day).close
    purpose = Purpose.ENTER if side is Side.BUY else Purpose.EXIT
    price = Decimal(str(round(float(history.bars.bar(index).close), 2)))
    intent = OrderIntent(
        id=intent_id(ACCOUNT, day, STRATEGY, SYMBOL, purpose),
        account=ACCOUNT,
        session=day,
        strategy=STRATEGY,
        symbol=SYMBOL,
        purpose=purpose,
        side=side,
        order_type=OrderType.MARKET_ON_CLOSE,
        shares=SHARES,
        reference_price=price,
        reasons=("close_below_ma",) if side is Side.SELL else (),
    )
    orders.add_intent(intent, close)
    orders.claim_order(intent.id, close)
    orders.add_fills(
        [
            Fill(
                exec_id=f"{intent.id}.01",
                intent_id=intent.id,
                account=ACCOUNT,
                strategy=STRATEGY,
                symbol=SYMBOL,
                side=side,
                session=day,
                instant=close,
                shares=SHARES,
                price=price,
                commission_usd=Decimal("1.00"),
            )
        ]
    )
    for status in (OrderStatus.ACCEPTED, OrderStatus.FILLED):
        orders.move_order(intent.id, status, close, Observed(broker_id="900", filled=SHARES))
