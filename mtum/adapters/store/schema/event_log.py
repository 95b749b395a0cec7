"""The table of events, and the triggers that write it: in the transaction of what they tell, so that none is forgotten.

Triggers, because they cannot be passed by: whatever writes a run, a decision, an order, a fill, equity or a halt,
a person at the sqlite3 shell included, leaves its event, and an event outlives every other row unchanged.
"""

from mtum.adapters.store.schema import KINDS
from mtum.adapters.store.schema.documented import table
from mtum.adapters.store.schema.option_tables import GROWING

EVENTS = table(
    "events",
    "What happened, in the order it was recorded; written with the row it tells of, and never changed.",
    f"""
    id | INTEGER PRIMARY KEY | number of the event, without gaps
    at | TEXT NOT NULL | instant of what is told; of fills and equity, which keep none, that of the event before
    session | TEXT | session concerned; empty where it is none of one
    kind | TEXT NOT NULL CHECK (kind IN ({", ".join(f"'{kind}'" for kind in KINDS)})) | {", ".join(KINDS)}
    key | TEXT NOT NULL | the row: id of a run, decision, order event or halt, exec_id, session; problem: run.place
    sleeve | TEXT | sleeve concerned; empty where it is the account's
    """,
    "",
    "CREATE INDEX events_by_kind ON events (kind)",
)


def _event(at: str, session: str, kind: str, key: str, sleeve: str = "NULL", source: str = "") -> str:
    told = f"SELECT {at}, {session}, '{kind}', {key}, {sleeve} {source}".rstrip()
    return f"INSERT INTO events (at, session, kind, key, sleeve) {told};"


def _trigger(name: str, moment: str, *statements: str) -> tuple[str, str]:
    body = "\n  ".join(statements)
    return name, f"CREATE TRIGGER {name} {moment} BEGIN\n  {body}\nEND"


def _changed(*columns: str) -> str:
    return " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in columns)


_BEFORE = "(SELECT at FROM events ORDER BY id DESC LIMIT 1)"
_INTENT = "(SELECT {} FROM order_intents WHERE id = NEW.intent_id)"
_START = _event("NEW.started_at", "NEW.session", "run_started", "NEW.id")
_FILL = _event(f"coalesce({_BEFORE}, NEW.instant)", "NEW.session", "fill", "NEW.exec_id", "NEW.strategy")
_POINT = _event(
    f"coalesce({_BEFORE}, NEW.session || 'T00:00:00.000000Z')", "NEW.session", "equity", "NEW.session", "NEW.strategy"
)
_OPTION_INTENT = "(SELECT {} FROM option_intents WHERE id = NEW.intent_id)"
_OPTION_FILL = _event(
    f"coalesce({_BEFORE}, NEW.session || 'T00:00:00.000000Z')",
    "NEW.session",
    "option_fill",
    "NEW.exec_id",
    "NEW.strategy",
)
_EARLIER_END = (
    "iif(OLD.finished_at IS NOT NULL, OLD.exit_code, coalesce(json_extract(NEW.earlier, '$[#-1].exit_code'), "
    "(SELECT exit_code FROM runs WHERE job = NEW.job AND id <> NEW.id AND finished_at IS NOT NULL "
    "ORDER BY session DESC, id DESC LIMIT 1), 0))"
)

TRIGGERS: dict[str, str] = dict(
    (
        _trigger("events_run_started", "AFTER INSERT ON runs", _START),
        _trigger("events_run_started_again", "AFTER UPDATE OF started_at ON runs", _START),
        _trigger(
            "events_run_finished",
            "AFTER UPDATE OF finished_at ON runs WHEN NEW.finished_at IS NOT NULL",
            _event("NEW.finished_at", "NEW.session", "run_finished", "NEW.id"),
            _event(
                "NEW.finished_at",
                "NEW.session",
                "problem",
                "NEW.id || '.' || place.key",
                source="FROM json_each(coalesce(NEW.document, '{}'), '$.problems') AS place "
                "WHERE place.value IS NOT json_extract(OLD.document, '$.problems[' || place.key || ']')",
            ),
            _event(
                "NEW.finished_at",
                "NEW.session",
                "health",
                "NEW.id",
                source=f"WHERE NEW.exit_code IS NOT {_EARLIER_END}",
            ),
        ),
        _trigger(
            "events_decision",
            "AFTER INSERT ON decisions WHEN NEW.preview = 0",
            _event("NEW.decided_at", "NEW.session", "decision", "NEW.id", "NEW.strategy"),
        ),
        _trigger(
            "events_order",
            "AFTER INSERT ON order_events",
            _event("NEW.at", _INTENT.format("session"), "order", "NEW.id", _INTENT.format("strategy")),
        ),
        _trigger("events_fill", "AFTER INSERT ON fills", _FILL),
        _trigger(
            "events_fill_commission",
            f"AFTER UPDATE OF commission_usd ON fills WHEN {_changed('commission_usd')}",
            _FILL,
        ),
        _trigger("events_equity", "AFTER INSERT ON equity", _POINT),
        _trigger(
            "events_equity_changed",
            "AFTER UPDATE ON equity WHEN "
            + _changed(
                "cash_usd",
                "receivable_usd",
                "market_usd",
                "equity_usd",
                "flows_usd",
                "benchmark_usd",
                "close",
                "shares",
                "final",
            ),
            _POINT,
        ),
        _trigger("events_halt", "AFTER INSERT ON halts", _event("NEW.since", "NULL", "halt", "NEW.id")),
        _trigger(
            "events_resume",
            "AFTER UPDATE OF lifted_at ON halts WHEN NEW.lifted_at IS NOT NULL AND OLD.lifted_at IS NULL",
            _event("NEW.lifted_at", "NULL", "resume", "NEW.id"),
        ),
        _trigger(
            "events_option_order",
            "AFTER INSERT ON option_order_events",
            _event(
                "NEW.at", _OPTION_INTENT.format("session"), "option_order", "NEW.id", _OPTION_INTENT.format("strategy")
            ),
        ),
        _trigger("events_option_fill", "AFTER INSERT ON option_fills", _OPTION_FILL),
        _trigger(
            "events_option_fill_fee",
            f"AFTER UPDATE OF fee_usd ON option_fills WHEN {_changed('fee_usd')}",
            _OPTION_FILL,
        ),
        _trigger(
            "events_option_event",
            "AFTER INSERT ON option_events",
            _event("NEW.recorded_at", "NEW.effective", "option_event", "NEW.key"),
        ),
        *(
            _trigger(
                f"{name}_kept_from_{deed.lower()}",
                f"BEFORE {deed}{f' OF {columns}' if columns and deed == 'UPDATE' else ''} ON {name}",
                f"SELECT RAISE(ABORT, 'rows of {name} are added and never changed');",
            )
            for name, columns in GROWING.items()
            for deed in ("UPDATE", "DELETE")
        ),
        *(
            _trigger(
                f"events_kept_from_{deed.lower()}",
                f"BEFORE {deed} ON events{which}",
                "SELECT RAISE(ABORT, 'events are added and never changed');",
            )
            for deed, which in (
                ("UPDATE", ""),
                ("DELETE", ""),
                ("INSERT", " WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)"),
            )
        ),
    )
)
"""Name of each trigger -> its statement."""
