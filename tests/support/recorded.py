"""A small database written by hand: three sessions, one closed trade, one open; numbers worked out in the tests."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from mtum.adapters.store.opening import SqliteStore, open_store
from mtum.core.market.bars import Bars
from mtum.core.market.sessions import Session
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, OrderType, Purpose, Side, intent_id
from mtum.ports.records import CashMovement, EquityPoint, Observed

ACCOUNT, STRATEGY, SYMBOL = "PRACTICE", "mtum_confluence", "MTUM"
FIRST, SECOND, THIRD = date(2017, 12, 28), date(2017, 12, 29), date(2018, 1, 2)
UPCOMING = (date(2018, 1, 3), date(2018, 1, 4), date(2018, 1, 5), date(2018, 1, 8))


def session(day: date, *, half: bool = False) -> Session:
    """A winter session: 9:30 to 16:00 in New York, half days to 13:00."""
    close = time(18) if half else time(21)
    return Session(day, datetime.combine(day, time(14, 30), UTC), datetime.combine(day, close, UTC))


def recorded(folder: Path, *, mode: str = "practice", account: str = ACCOUNT) -> None:
    """Write the database: bought 10 at 100 on the first session, sold at 110 on the second, bought 5 on the third."""
    store = open_store(folder / "mtum.db", mode, account)
    store.ledger.move_cash([CashMovement(f"capital:{STRATEGY}", STRATEGY, FIRST, "capital", Decimal(5000))])
    _bars(store)
    traded(store, FIRST, Purpose.ENTER, 10, "100")
    _point(store, FIRST, cash="3999", market="1000", shares=10, close="100", benchmark="4998")
    traded(store, SECOND, Purpose.EXIT, 10, "110")
    _point(store, SECOND, cash="5098", market="0", shares=0, close="110", benchmark="5490")
    traded(store, THIRD, Purpose.ENTER, 5, "104")
    _point(store, THIRD, cash="4577", market="520", shares=5, close="104", benchmark="5190")
    for number, day in enumerate((FIRST, SECOND, THIRD), 1):
        run = store.runs.start_run("decide_and_order", "", day, session(day).before_close(22))
        store.runs.finish_run(run, session(day).before_close(18), "finished", 0, {"number": number})
    store.control.write_sessions([session(day, half=day == UPCOMING[1]) for day in UPCOMING])
    store.close()


def _bars(store: SqliteStore) -> None:
    closes = [100.0, 110.0, 104.0]
    columns = dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": [1e6, 2e6, 3e6]}
    bars = Bars.from_columns(SYMBOL, "sample", [FIRST, SECOND, THIRD], columns)
    store.bars.accept(bars, session(THIRD).close + timedelta(hours=3), THIRD)


def traded(store: SqliteStore, day: date, purpose: Purpose, shares: int, price: str) -> None:
    """Record an order that was filled whole at the close of a session."""
    account = store.control.meta("account") or ""
    side = Side.SELL if purpose is Purpose.EXIT else Side.BUY
    intent = OrderIntent(
        id=intent_id(account, day, STRATEGY, SYMBOL, purpose),
        account=account,
        session=day,
        strategy=STRATEGY,
        symbol=SYMBOL,
        purpose=purpose,
        side=side,
        order_type=OrderType.MARKET_ON_CLOSE,
        shares=shares,
        reference_price=Decimal(price),
        reasons=("atr_target",) if side is Side.SELL else ("close_above_ma", "vix_calm"),
    )
    at, close = session(day).before_close(18), session(day).close
    store.orders.add_intent(intent, at)
    store.orders.claim_order(intent.id, at)
    store.orders.move_order(intent.id, OrderStatus.ACCEPTED, at, Observed(broker_id="77"))
    fill = Fill(
        exec_id=f"{intent.id}.01",
        intent_id=intent.id,
        account=account,
        strategy=STRATEGY,
        symbol=SYMBOL,
        side=side,
        session=day,
        instant=close,
        shares=shares,
        price=Decimal(price),
        commission_usd=Decimal(1),
    )
    store.orders.add_fills([fill])
    store.orders.move_order(intent.id, OrderStatus.FILLED, close, Observed(filled=shares))


def _point(store: SqliteStore, day: date, *, cash: str, market: str, shares: int, close: str, benchmark: str) -> None:
    store.ledger.write_equity(
        EquityPoint(
            session=day,
            strategy=STRATEGY,
            cash_usd=Decimal(cash),
            receivable_usd=Decimal(0),
            market_usd=Decimal(market),
            equity_usd=Decimal(cash) + Decimal(market),
            flows_usd=Decimal(0),
            benchmark_usd=Decimal(benchmark),
            close=Decimal(close),
            shares=shares,
        )
    )
