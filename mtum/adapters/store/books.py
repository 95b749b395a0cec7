"""What a run needs of all that was ever recorded, at a cost that does not grow with it."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.ledger import cash_of, point
from mtum.adapters.store.orders.executions import read_open_fills
from mtum.adapters.store.orders.intents import SELECT, TERMINAL, state
from mtum.adapters.store.texts import plain, since_text
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import EXECUTIONS_COME_WITHIN, Purpose, Side, intent_of
from mtum.ports.broker import BrokerFill, BrokerLists, BrokerOrder
from mtum.ports.records import EquityPoint, IntentState


class SqliteBooks(Struct, frozen=True):
    """The port `BookStore` on SQLite."""

    database: Database

    def concerned(self, lists: BrokerLists) -> Sequence[IntentState]:
        """Return the intents that these lists can say something of, oldest first."""
        seen: list[BrokerOrder | BrokerFill] = [*lists.orders, *lists.fills]
        oldest = min([lists.at.date(), *(fill.instant.date() for fill in lists.fills)])
        named = plain([intent_of(one.ref) for one in seen])
        numbered = plain([one.broker_id for one in seen if one.broker_id])
        sql = (
            f"{SELECT} WHERE i.id IN (SELECT id FROM order_intents WHERE session >= ? "
            f"UNION SELECT intent_id FROM orders WHERE status NOT IN ({TERMINAL}) "
            "UNION SELECT value FROM json_each(?) "
            "UNION SELECT intent_id FROM orders WHERE broker_id IN (SELECT value FROM json_each(?))) "
            "ORDER BY i.session, i.rowid"
        )
        values = ((oldest - EXECUTIONS_COME_WITHIN).isoformat(), named, numbered)
        return tuple(state(row) for row in self.database.rows(sql, values))

    def ordered(self) -> bool:
        """Return whether any order was ever planned."""
        return self.database.row("SELECT 1 FROM order_intents LIMIT 1") is not None

    def executed(self, intent_id: str) -> int:
        """Return how often an intent was executed in all of its legs, as its stored executions tell."""
        known = self._find(intent_id)
        return self._executed(known)[0] if known else 0

    def overfilled(self) -> Sequence[tuple[IntentState, int]]:
        """Return the intents of which more was executed than they asked for in any leg, and how often it was."""
        sql = (
            "SELECT i.id FROM order_intents AS i JOIN (SELECT intent_id, sum(shares) AS executed "
            "FROM fills WHERE current = 1 GROUP BY intent_id) AS f ON f.intent_id = i.id "
            "WHERE f.executed > i.shares ORDER BY i.session, i.rowid"
        )
        found = [known for (key,) in self.database.rows(sql) if (known := self._find(key)) is not None]
        most = [(known, self._executed(known)[1]) for known in found]
        return tuple((known, executed) for known, executed in most if executed > known.intent.shares)

    def last_exit(self, strategy: str, symbol: str, before: date) -> IntentState | None:
        """Return the strategy's newest exit in the symbol of a session earlier than `before`."""
        sql = (
            f"{SELECT} WHERE i.strategy = ? AND i.symbol = ? AND i.purpose = ? AND i.session < ? "
            "ORDER BY i.session DESC, i.rowid DESC LIMIT 1"
        )
        row = self.database.row(sql, (strategy, symbol, Purpose.EXIT.value, before.isoformat()))
        return None if row is None else state(row)

    def open_fills(self, since: date | None = None) -> Sequence[Fill]:
        """Return the fills of every strategy that its lots are made of, last corrections only, in time order.

        Parameters
        ----------
        since : date or None
            First session whose lots are wanted; None for those of now.
        """
        return read_open_fills(self.database, since)

    def cash(self, strategy: str, until: date | None = None) -> Decimal:
        """Return the cash in USD that the strategy owns: everything paid, or what was by the close of a session."""
        return cash_of(self.database, strategy, until)

    def recorded(self, keys: Collection[str]) -> Collection[str]:
        """Return those of these keys that are those of cash movements."""
        sql = "SELECT key FROM cash_movements WHERE key IN (SELECT value FROM json_each(?))"
        return {key for (key,) in self.database.rows(sql, (plain(list(keys)),))} if keys else ()

    def outline(self, strategies: Collection[str], before: date, since: date | None = None) -> Sequence[EquityPoint]:
        """Return the points that the peak and the last change of these together depend on, oldest first.

        Parameters
        ----------
        before, since : date
            Points of sessions earlier than `before` are looked at, from `since` on where it is given.
        """
        telling = self._telling if len(strategies) == 1 else self._telling_together
        days = telling(strategies, before, since)
        of = plain(list(strategies)), plain(sorted(days))
        each = "(SELECT value FROM json_each(?))"
        sql = f"SELECT * FROM equity WHERE strategy IN {each} AND session IN {each} ORDER BY session"
        return tuple(point(tuple(row)) for row in self.database.rows(sql, of))

    def last_before(self, strategy: str, day: date) -> EquityPoint | None:
        """Return the newest point of a session earlier than that."""
        sql = "SELECT * FROM equity WHERE strategy = ? AND session < ? ORDER BY session DESC LIMIT 1"
        row = self.database.row(sql, (strategy, day.isoformat()))
        return None if row is None else point(tuple(row))

    def _telling(self, strategies: Collection[str], before: date, since: date | None) -> set[str]:
        (strategy,) = strategies
        span, last = (strategy, since_text(since)), before.isoformat()
        inside = "FROM equity WHERE strategy = ? AND session >= ? AND session < ?"
        flows = [day for (day,) in self.database.rows(f"SELECT session {inside} AND flows_usd <> 0", (*span, last))]
        days: set[str] = set()
        for part in pairwise([span[1], *flows, last]):
            # By value there is an index: the highest mostly is the first it has.
            highest = f"SELECT session {inside} ORDER BY equity_usd DESC LIMIT 1"
            for sql in (f"SELECT min(session) {inside}", highest, f"SELECT max(session) {inside}"):
                row = self.database.row(sql, (strategy, *part))
                days |= {row[0]} if row is not None and row[0] else set()
        newest = self.database.rows(f"SELECT session {inside} ORDER BY session DESC LIMIT 2", (*span, last))
        return {*days, *(day for (day,) in newest)}

    def _telling_together(self, strategies: Collection[str], before: date, since: date | None) -> set[str]:
        # As above; where a point is missing, or the first of a strategy comes, growth is in no proportion either.
        sql = (
            "SELECT session, sum(equity_usd), max(flows_usd <> 0), group_concat(strategy) FROM equity WHERE strategy "
            "IN (SELECT value FROM json_each(?)) AND session >= ? AND session < ? GROUP BY session ORDER BY session"
        )
        values = (plain(list(strategies)), since_text(since), before.isoformat())
        rows = [tuple(row) for row in self.database.rows(sql, values)]
        begins = [at for at, (_, _, moved, who) in enumerate(rows) if at == 0 or moved or who != rows[at - 1][3]]
        chosen = {len(rows) - 2, len(rows) - 1}
        for first, after in pairwise([*begins, len(rows)]):
            chosen |= {first, after - 1, max(range(first, after), key=lambda at: rows[at][1])}
        return {rows[at][0] for at in chosen if at >= 0}

    def _executed(self, known: IntentState) -> tuple[int, int]:
        sql = "SELECT symbol, side, shares FROM fills WHERE intent_id = ? AND current = 1"
        rows = self.database.rows(sql, (known.intent.id,))
        return known.intent.executed((symbol, Side(side), shares) for symbol, side, shares in rows)

    def _find(self, intent_id: str) -> IntentState | None:
        row = self.database.row(f"{SELECT} WHERE i.id = ?", (intent_id,))
        return None if row is None else state(row)
