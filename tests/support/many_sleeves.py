"""Ten years of twenty sleeves, each on a symbol of its own: one session is played, and the store is told the others."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from mtum import config
from mtum.adapters.store.opening import SqliteStore
from mtum.app.session.play_session import play_session
from mtum.core.market.bars import Bars
from mtum.core.market.sessions import Session
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, OrderType, Purpose, Side, intent_id
from mtum.ports.records import EquityPoint, Observed
from mtum.wiring import desks
from mtum.wiring.resources import PRACTICE_ACCOUNT
from support.markets import made_up_bars, made_up_vix
from support.practice import write_market

SLEEVES, TEN_YEARS = 20, 2_520
CAPITAL_USD = 2_000_000
HISTORY = 300
"""Sessions of the market that the one which is played knows; a replay begins 260 before the end."""
ROUND_TRIP = 14
"""Sessions between two entries of a sleeve; the exit follows half way."""
SHARES = 500
STRATEGIES = ("trend_following", "buy_and_hold", "mean_reversion", "volatility_target")
JOBS = ("decide_and_order", "confirm_fills", "daily_report")


def write_sleeves(folder: Path, sessions: int = TEN_YEARS, sleeves: int = SLEEVES) -> None:
    """Write settings and a data folder with so many sessions, of which the first one was played by the daily job."""
    names = [f"s{number:02}" for number in range(sleeves)]
    symbols = [name.upper() for name in names]
    count = HISTORY + sessions
    market = {symbol: made_up_bars(count, number, symbol, 0.008) for number, symbol in enumerate(symbols)}
    known = {symbol: bars.until(bars.day(HISTORY - 1)) for symbol, bars in market.items()}
    write_market(folder / "data" / "bars", known, made_up_vix(market[symbols[0]], 1))
    told = [
        f'[sleeve.{name}]\nstrategy = "{STRATEGIES[at % len(STRATEGIES)]}"\nweight = {1 / sleeves!r}\n'
        f"[sleeve.{name}.rules]\n{_symbol(STRATEGIES[at % len(STRATEGIES)], symbols[at])}\n"
        for at, name in enumerate(names)
    ]
    head = f'[market]\nsource = "csv"\n[portfolio]\ncapital_usd = {CAPITAL_USD}\n'
    (folder / "config.toml").write_text(head + "".join(told))
    settings = config.load(folder / "config.toml", {}, {})
    with desks.replay_desk(settings, folder / "data", None) as replay:
        session, store = replay.upcoming(), replay.desk.store
        assert session is not None
        played = play_session(replay.desk, session)
        assert played.exit_code == 0, played.document["problems"]
        assert isinstance(store, SqliteStore)
        with store.database.write():
            _write_later(store, session, dict(zip(names, market.values(), strict=True)), sessions)
    write_market(folder / "data" / "bars", market)


def _symbol(strategy: str, symbol: str) -> str:
    return f'symbol = "{symbol}"' if strategy == "volatility_target" else f'symbols = ["{symbol}"]'


def _write_later(store: SqliteStore, pattern: Session, market: Mapping[str, Bars], count: int) -> None:
    first = next(iter(market.values()))
    played = first.days.tolist().index(pattern.day)
    sessions = [
        replace(pattern, day=day, open=pattern.open + (day - pattern.day), close=pattern.close + (day - pattern.day))
        for day in first.days.tolist()[played + 1 : played + count]
    ]
    for bars in market.values():
        store.bars.accept(replace(bars, source="csv"), sessions[-1].close + timedelta(hours=3), sessions[-1].day)
    # The settings of twenty sleeves fifty thousand times would be a gigabyte that no page looks at.
    decisions = [store.decisions.decision_of(pattern.day, name) for name in market]
    cash = {name: Decimal(CAPITAL_USD) / len(market) for name in market}
    held = dict.fromkeys(market, 0)
    for at, session in enumerate(sessions, played + 1):
        when = session.close - timedelta(minutes=19)
        store.decisions.commit_decisions(
            [replace(one, session=session.day, decided_at=when, settings={}) for one in decisions if one], ()
        )
        for job in JOBS:
            run = store.runs.start_run(job, "", session.day, when)
            store.runs.finish_run(run, session.close, "finished", 0, {"problems": []})
        for number, (name, bars) in enumerate(market.items()):
            price = Decimal(str(bars.bar(at).close))
            if (at + number) % ROUND_TRIP in (0, ROUND_TRIP // 2):
                side = Side.SELL if held[name] else Side.BUY
                moved = SHARES if side is Side.BUY else -SHARES
                _trade(store, session, name, bars.symbol, side, price)
                held[name] += moved
                cash[name] -= price * moved + 1
            worth = price * held[name]
            store.ledger.write_equity(
                EquityPoint(
                    session=session.day,
                    strategy=name,
                    cash_usd=cash[name],
                    receivable_usd=Decimal(0),
                    market_usd=worth,
                    equity_usd=cash[name] + worth,
                    flows_usd=Decimal(0),
                    benchmark_usd=Decimal(CAPITAL_USD) / len(market) * price / Decimal(str(bars.bar(played).close)),
                    close=price,
                    shares=held[name],
                )
            )
    for name in market:
        store.ledger.write_lots(name, lots_of(store.orders.fills(name)), {})


def _trade(store: SqliteStore, session: Session, name: str, symbol: str, side: Side, price: Decimal) -> None:
    purpose = Purpose.ENTER if side is Side.BUY else Purpose.EXIT
    intent = OrderIntent(
        id=intent_id(PRACTICE_ACCOUNT, session.day, name, symbol, purpose),
        account=PRACTICE_ACCOUNT,
        session=session.day,
        strategy=name,
        symbol=symbol,
        purpose=purpose,
        side=side,
        order_type=OrderType.MARKET_ON_CLOSE,
        shares=SHARES,
        reference_price=price,
        reasons=("close_above_ma",) if side is Side.BUY else ("close_below_ma",),
    )
    orders, sent = store.orders, session.close - timedelta(minutes=18)
    orders.add_intent(intent, sent)
    orders.claim_order(intent.id, sent)
    orders.move_order(intent.id, OrderStatus.ACCEPTED, sent, Observed(broker_id="900"))
    done = Fill(
        exec_id=f"{intent.id}.01",
        intent_id=intent.id,
        account=PRACTICE_ACCOUNT,
        strategy=name,
        symbol=symbol,
        side=side,
        session=session.day,
        instant=session.close,
        shares=SHARES,
        price=price,
        commission_usd=Decimal(1),
    )
    orders.add_fills([done])
    orders.move_order(intent.id, OrderStatus.FILLED, session.close, Observed(filled=SHARES))
