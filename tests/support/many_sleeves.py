"""Ten years of twenty sleeves, each on a symbol of its own: one session is played, and the store is told the others."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from mtum import config
from mtum.adapters.store.opening import SqliteStore
from mtum.adapters.store.orders.trades import write_trades
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
from support.values import replace

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
    copies = _Copies(store.database.connection)
    for at, session in enumerate(sessions, played + 1):
        when = session.close - timedelta(minutes=19)
        if session is sessions[0]:
            store.decisions.commit_decisions(
                [replace(one, session=session.day, decided_at=when, settings={}) for one in decisions if one], ()
            )
        else:
            copies.write("decisions", "session", (sessions[0].day.isoformat(), session.day.isoformat()))
        for job in JOBS:
            run = store.runs.start_run(job, "", session.day, when)
            store.runs.finish_run(run, session.close, "finished", 0, {"problems": []})
        points = []
        for number, (name, bars) in enumerate(market.items()):
            price = Decimal(str(bars.bar(at).close))
            if (at + number) % ROUND_TRIP in (0, ROUND_TRIP // 2):
                side = Side.SELL if held[name] else Side.BUY
                moved = SHARES if side is Side.BUY else -SHARES
                copies.trade(store, _intent(session, name, bars.symbol, side, price), session)
                held[name] += moved
                cash[name] -= price * moved + 1
            worth = price * held[name]
            first_price = Decimal(str(bars.bar(played).close))
            points.append(
                EquityPoint(
                    session=session.day,
                    strategy=name,
                    cash_usd=cash[name],
                    receivable_usd=Decimal(0),
                    market_usd=worth,
                    equity_usd=cash[name] + worth,
                    flows_usd=Decimal(0),
                    benchmark_usd=Decimal(CAPITAL_USD) / len(market) * price / first_price,
                    close=price,
                    shares=held[name],
                )
            )
        copies.points(store, points)
    write_trades(store.database.connection)
    for name in market:
        store.ledger.write_lots(name, lots_of(store.orders.fills(name)), {})


class _Copies:
    """What the store wrote once, written again for other sessions: ten years by the store itself take many minutes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._models: dict[tuple[str, Side], tuple[str, str]] = {}
        self._found: dict[tuple[str, str], str] = {}
        self._columns: dict[str, list[tuple[str, str]]] = {}

    def write(self, table: str, column: str, *changed: tuple[str, str], **amounts: float) -> None:
        """Copy the rows whose column has the first old text, each old text replaced by its new one."""
        texts = {f"{kind}{at}": text for at, pair in enumerate(changed) for kind, text in zip("on", pair, strict=True)}
        told = {name: f":{name}" for name in amounts}
        for name, kind in self._of(table):
            value = name
            for at in range(len(changed)) if kind == "TEXT" else ():
                value = f"replace({value}, :o{at}, :n{at})"
            told.setdefault(name, value)
        self._connection.execute(
            f"INSERT INTO {table} ({', '.join(told)}) SELECT {', '.join(told.values())} FROM {table} "
            f"WHERE rowid IN ({self._rows(table, column, changed[0][0])}) ORDER BY rowid",
            {**texts, **amounts},
        )

    def trade(self, store: SqliteStore, intent: OrderIntent, session: Session) -> None:
        """Record a filled order as the store did with the first one of its sleeve and side."""
        key, new = (intent.strategy, intent.side), (intent.id, session.day.isoformat())
        if key not in self._models:
            self._models[key] = new
            _trade(store, intent, session)
            return
        changed = tuple(zip(self._models[key], new, strict=True))
        price = intent.reference_price
        self.write("order_intents", "id", *changed, reference_price=float(price))
        for table in ("order_legs", "orders", "order_events"):
            self.write(table, "intent_id", *changed)
        self.write("fills", "intent_id", *changed, price=float(price))
        paid = float(price * (SHARES if intent.side is Side.SELL else -SHARES))
        for kind, amount in (("fill", paid), ("commission", -1.0)):
            self.write("cash_movements", "key", *((f"{kind}:{old}", f"{kind}:{now}") for old, now in changed[:1]),
                       *changed[1:], amount_usd=amount)  # fmt: skip

    def points(self, store: SqliteStore, points: Sequence[EquityPoint]) -> None:
        """Record the closes of all sleeves, the first session's by the store."""
        if "equity" not in self._columns:
            self._of("equity")
            for point in points:
                store.ledger.write_equity(point)
            return
        names = [name for name, _ in self._of("equity") if name != "final"]
        rows = [[_cell(getattr(point, name)) for name in names] for point in points]
        self._connection.executemany(
            f"INSERT INTO equity ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", rows
        )

    def _rows(self, table: str, column: str, text: str) -> str:
        # Found once: not every column that is asked for has an index, and the tables grow.
        if (table, text) not in self._found:
            rows = self._connection.execute(f"SELECT rowid FROM {table} WHERE {column} = ?", (text,)).fetchall()
            self._found[table, text] = ", ".join(str(number) for (number,) in rows)
        return self._found[table, text]

    def _of(self, table: str) -> list[tuple[str, str]]:
        if table not in self._columns:
            rows = self._connection.execute(f"PRAGMA table_info({table})").fetchall()
            # The number of a row is its own, unless it is a text.
            self._columns[table] = [(row[1], row[2]) for row in rows if (row[1], row[2]) != ("id", "INTEGER")]
        return self._columns[table]


def _cell(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else float(value) if isinstance(value, Decimal) else value


def _intent(session: Session, name: str, symbol: str, side: Side, price: Decimal) -> OrderIntent:
    purpose = Purpose.ENTER if side is Side.BUY else Purpose.EXIT
    return OrderIntent(
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


def _trade(store: SqliteStore, intent: OrderIntent, session: Session) -> None:
    orders, sent = store.orders, session.close - timedelta(minutes=18)
    orders.add_intent(intent, sent)
    orders.claim_order(intent.id, sent)
    orders.move_order(intent.id, OrderStatus.ACCEPTED, sent, Observed(broker_id="900"))
    done = Fill(
        exec_id=f"{intent.id}.01",
        intent_id=intent.id,
        account=PRACTICE_ACCOUNT,
        strategy=intent.strategy,
        symbol=intent.symbol,
        side=intent.side,
        session=session.day,
        instant=session.close,
        shares=SHARES,
        price=intent.reference_price,
        commission_usd=Decimal(1),
    )
    orders.add_fills([done])
    orders.move_order(intent.id, OrderStatus.FILLED, session.close, Observed(filled=SHARES))
