"""Every document of the API by its name: those of the commands, without the paths of this machine."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from mtum.app.queries.performance import AccountCloses, AccountRow, account_performance
from mtum.app.queries.plain import plain
from mtum.errors import MtumError, StoreMismatchError, UsageError, VerificationError
from mtum.ports.reading import DatabaseState, Reader
from mtum.ports.rows import CashRow, SnapshotRow
from mtum.web.paging import Part, part_of
from mtum.web.records import Records
from mtum.wiring.control import sleeve_named

type Document = dict[str, Any]


def status(records: Records) -> Document:
    """Return what `mtum status --json` tells."""
    from mtum.app.queries.status import status_document, status_of
    from mtum.wiring.resources import calendar_of

    settings = records.settings
    state = _state(records)
    found = status_of(settings, state, records.now(), calendar_of(settings, records.folder).sessions)
    document: Document = plain(status_document(settings, state, found))
    return document


def _state(records: Records) -> DatabaseState:
    return records.read("state", lambda reader: reader.state() if reader else DatabaseState())


def sleeves(records: Records) -> Document:
    """Return what `mtum sleeves --json` tells."""
    found, state = closes(records), _state(records)

    def work(reader: Reader | None) -> Document:
        from mtum.app.queries.sleeves import sleeves_document

        document: Document = plain(sleeves_document(records.settings, reader, found, state))
        return document

    return records.read("sleeves", work)


def risk(records: Records) -> Document:
    """Return what `mtum risk --json` tells."""
    found, state = closes(records).sleeves, _state(records)

    def work(reader: Reader | None) -> Document:
        from mtum.app.queries.risk import account_risk, risk_document

        return risk_document(None if reader is None else account_risk(records.settings, reader, found, state))

    return records.read("risk", work)


def options(records: Records) -> Document:
    """Return what `mtum options --json` tells."""

    def work(reader: Reader | None) -> Document:
        from mtum.app.queries.option_groups import option_groups

        return option_groups(records.settings, reader)

    return records.read("options", work)


def broker(records: Records) -> Document:
    """Return the account as the broker showed it last, and what of its settled cash is not spoken for; empty before.

    Working purchases reserve cash at their reference price, puts and spreads that were sold pin what they could cost.
    """
    shown = records.read("broker", lambda reader: reader.rows(SnapshotRow, None, 1) if reader else [])
    if not shown:
        return {"broker": None}
    orders = status(records)["open_orders"]
    reserved = sum(
        (one["shares"] - (one["filled"] or 0)) * (one["reference_price"] or 0.0)
        for one in orders
        if one["side"] == "BUY"
    )
    trades_options = any(one.strategy.OPTIONS for one in records.settings.sleeves())
    groups = options(records)["groups"] if trades_options else ()
    pinned = sum(one["collateral_usd"] or 0.0 for one in groups)
    last: Document = plain(shown[-1])
    more = {"reserved_usd": reserved, "pinned_usd": pinned, "borrowed_usd": max(0.0, -last["cash_usd"])}
    return {"broker": {**last, **more, "free_usd": max(0.0, last["settled_usd"] - reserved - pinned)}}


def quotes(records: Records) -> Document:
    """Return last prices with the instant each was made, by symbol, and why there is no newer one; empty before."""
    names = ("symbol", "price", "seen_at", "delayed", "halted")
    rows = [
        {**{name: one[name] for name in names}, "why_not": records.without_paths(one["why_not"] or "") or None}
        for one in records.quotes.known()
    ]
    return {"quotes": rows, "why_not": records.without_paths(records.quotes.why_not) or None}


def quoted_symbols(records: Records) -> list[str]:
    """Return the symbols whose last prices a person wants to see: what is held first, then what is traded."""
    try:
        held = [one["symbol"] for one in status(records)["positions"]]
    except MtumError:
        held = []
    return [*held, *(name for one in records.settings.configured().values() for name in one.rules.universe())]


def explain(records: Records, day: date | None = None, sleeve: str | None = None) -> Document:
    """Return what `mtum explain --json` tells.

    Parameters
    ----------
    records : Records
        The records of one data folder, for reading alone; safe for several threads.
    day : date or None
        Session to explain; None for the newest.
    sleeve : str or None
        Name of the sleeve; None for the whole account.

    Raises
    ------
    UsageError
        If that session has no decision.
    """

    def work(reader: Reader | None) -> Document:
        from mtum.app.queries.explain import told_of

        one = sleeve_named(records.settings, sleeve)
        found = None if reader is None else told_of(reader, day, one, records.sleeves)
        if found is None and day is not None:
            raise UsageError(f"no decision is stored for {day}")
        return {"session": None, "action": None} if found is None else dict(found.document)

    return records.read(("explain", day, sleeve), work)


def last_explained(records: Records) -> tuple[Document, str]:
    """Return what the newest decision tells, and why it tells nothing where its record cannot be read."""
    try:
        return explain(records), ""
    except VerificationError as error:
        return {"session": None}, records.without_paths(str(error))


def final_indicators(records: Records, sleeve: str) -> Mapping[str, Mapping[str, float | None]]:
    """Return by symbol what a sleeve's newest decision comes to with the final bars of its session."""

    def work(reader: Reader | None) -> Mapping[str, Mapping[str, float | None]]:
        from mtum.app.queries.explain import final_indicators

        return final_indicators(reader, sleeve, records.settings.market.source) if reader else {}

    return records.read(("final", sleeve), work)


def performance(records: Records) -> Document:
    """Return the account at every close, with what each sleeve earned."""
    names = list(AccountRow.__struct_fields__)
    # Plain already, and many: to go through each value again would take a third of a second.
    rows = [{name: getattr(row, name) for name in names} for row in closes(records).rows]
    return {"account": rows, "count": len(rows)}


def closes(records: Records) -> AccountCloses:
    """Return the closes of the sleeves that own money, and of all together."""

    def work(reader: Reader | None) -> AccountCloses:
        real = [name for name, one in records.settings.configured().items() if one.state != "watch"]
        return account_performance(reader, real)

    def mark(reader: Reader | None) -> object:
        # Every change of a close has an event; ten years of them are not read again for an order.
        if reader is None:
            return None
        given = reader.rows(CashRow, None, None, kind="capital")
        return [one.id for one in reader.events(None, 1, "equity")], given

    return records.read("closes", work, mark)


def report(records: Records, named: date | None = None) -> Document:
    """Return the stored report of a session, the newest one where none is named; empty before the first.

    Raises
    ------
    UsageError
        If that session has none.
    """
    from mtum.app.reporting.daily_report import last_session, stored_report
    from mtum.wiring.reports import writer_of
    from mtum.wiring.resources import calendar_of, opened_store

    def work(reader: Reader | None) -> Document:
        if reader is None:
            return {}
        settings, folder = records.settings, records.folder
        with opened_store(settings, folder, reading=True) as store:
            writer = writer_of(settings, folder, store, calendar_of(settings, folder), html=False)
            day = named or last_session(writer)
            found = None if day is None else stored_report(store.runs, day)
        if found is None and named is not None:
            raise UsageError(f"no report is stored for {named}")
        document: Document = plain(found or {})
        return document

    # The reader refuses a database of an older schema; a store would bring it up, which no page may do.
    return records.read(("report", named), work)


def last_report(records: Records) -> tuple[Document, str]:
    """Return the newest stored report, empty where there is none, and why it cannot be read if it cannot."""
    try:
        return report(records), ""
    except StoreMismatchError as error:
        return {}, records.without_paths(str(error))


def backtests(records: Records, since: date | None = None, limit: int | None = None, cursor: str = "") -> Document:
    """Return what `mtum show backtests --json` tells, and the cursor of the part before.

    Parameters
    ----------
    records : Records
        The records of one data folder, for reading alone; safe for several threads.
    since : date or None
        First session; None for all.
    limit : int or None
        How many of the newest; None for all.
    cursor : str
        `next` of the part after; empty for the newest.

    Raises
    ------
    UsageError
        If the cursor is none.
    """
    from mtum.ports.research import WHOLE, Study
    from mtum.wiring.studies import studies_in

    store = studies_in(records.folder)
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise UsageError(f'cursor "{cursor}" is none; take `next` of the page before')
    rows = store.listed(since, limit and limit + 1, int(cursor) if cursor else None) if store else ()
    more = limit is not None and len(rows) > limit
    rows = rows[-limit:] if limit else rows
    told = dict.fromkeys(("id", *(name for name in Study.__struct_fields__ if name not in WHOLE)))
    document: Document = plain(
        {"backtests": [{name: getattr(row, name) for name in told} for row in rows], "count": len(rows)}
    )
    shown = [_without_paths(records, one) for one in document["backtests"]]
    return {**document, "backtests": shown, "next": str(rows[0].id) if more else None}


def compare(records: Records, numbers: Sequence[int]) -> Document:
    """Return what `mtum compare --json` tells of kept studies.

    Raises
    ------
    UsageError
        If one of them is not kept.
    """
    from mtum.app.research.studies import compared
    from mtum.wiring.studies import studies_in

    store = studies_in(records.folder)
    studies = store.found(numbers) if store else ()
    missing = [f"{one}" for one in numbers if one not in {study.id for study in studies}]
    if missing:
        raise UsageError(f"there is no {' and no '.join(missing)}; /api/v1/backtests lists what is kept")
    found: Document = plain(compared(studies))
    return {**found, "studies": [_without_paths(records, one) for one in found["studies"]]}


def _without_paths(records: Records, study: Document) -> Document:
    return {**study, "command": records.without_paths(study["command"])}


def backtest(records: Records) -> Document:
    """Return how far the backtest is that a page started last, or how it ended; empty where there was none."""
    job = records.backtests.job
    if job is None:
        return {"backtest": None}
    found = {name: records.without_paths(told) if isinstance(told, str) else told for name, told in
             job.document().items()}  # fmt: skip
    return {"backtest": found}


def tear_sheet(records: Records, number: int) -> tuple[bytes, str] | None:
    """Return the tear sheet of a kept backtest that a page started, and the policy it is shown under; None without."""
    from mtum.wiring.studies import sheet_policy, studies_in

    store = studies_in(records.folder)
    found = store.found([number]) if store else ()
    path = records.backtests.sheet_of(found[0].command) if found else None
    try:
        return None if path is None else (path.read_bytes(), sheet_policy())
    except OSError:
        return None


def indicators(records: Records, symbol: str) -> Document:
    """Return what `mtum indicators SYMBOL --json` tells of every indicator by day, week and month."""

    def work(reader: Reader | None) -> Document:
        from mtum.app.queries.bars import cached_bars
        from mtum.app.queries.indicators import readings_of
        from mtum.core.indicators import INDICATORS
        from mtum.core.market.timeframes import Timeframe

        bars = cached_bars(reader, symbol, records.settings.market.source) if reader else None
        if bars is None or not len(bars):
            return {"symbol": symbol, "frames": []}
        frames = (Timeframe.DAY, Timeframe.WEEK, Timeframe.MONTH)
        found: Document = plain(readings_of(bars, list(INDICATORS), frames))
        return found

    return records.read(("indicators", symbol), work)


def unsound(records: Records) -> Document:
    """Return the bars kept out as `mtum bars check` lists them, and what `mtum bars revisions --json` tells."""
    from mtum.wiring.resources import opened_store

    def work(reader: Reader | None) -> Document:
        if reader is None:
            return {"kept_out": [], "revisions": []}
        try:
            with opened_store(records.settings, records.folder, reading=True) as store:
                held, revised = store.quarantine.kept_out(held=True), store.bars.revisions()
        except StoreMismatchError as error:
            return {"kept_out": [], "revisions": [], "unread": records.without_paths(str(error))}
        found: Document = plain({"kept_out": held, "revisions": revised})
        return found

    return records.read("unsound", work)


def jobs(records: Records, sessions: int = 10) -> Document:
    """Return when each job is due over the next sessions, as `python -m jobs --list --json` tells it."""
    from datetime import timedelta

    from mtum.app.service.schedule import timetable, upcoming
    from mtum.core.market.calendars import NEW_YORK
    from mtum.wiring.resources import calendar_of

    settings, now = records.settings, records.now()
    status_now = status(records)
    if status_now["replayed"]:
        return {"wakes": status_now["next_wakes"]}
    calendar = calendar_of(settings, records.folder)
    known = calendar.sessions((now - timedelta(days=12)).date(), (now + timedelta(days=40)).date())
    wakes = upcoming(now, known, sessions, timetable(settings.schedule))
    rows: list[Mapping[str, Any]] = plain(
        [
            {
                "job": wake.job,
                "slot": wake.slot,
                "session": wake.session,
                "at_utc": wake.at,
                "at_new_york": wake.at.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M"),
            }
            for wake in wakes
        ]
    )
    return {"wakes": rows}


def events(records: Records, after: int, limit: int) -> Document:
    """Return what was recorded behind a number, oldest first.

    Parameters
    ----------
    records : Records
        The records of one data folder, for reading alone; safe for several threads.
    after : int
        Number of the last event that is known.
    limit : int
        How many at most.
    """
    return {"events": plain(records.events(after, limit)), "newest": records.read("newest", _newest)}


def _newest(reader: Reader | None) -> int:
    return next((one.id for one in reader.events(None, 1)), 0) if reader else 0


def listed(records: Records, kind: str, wanted: Part) -> Document:
    """Return a part of a list as `mtum show KIND --json` tells it, and the cursor of the part before.

    Parameters
    ----------
    records : Records
        The records of one data folder, for reading alone; safe for several threads.
    kind : str
        Name of the list.
    wanted : Part
        Which part of a list is wanted.
    """

    def work(reader: Reader | None) -> Document:
        sleeve_named(records.settings, wanted.sleeve)
        found: Document = plain(part_of(reader, records.settings.market.source, kind, wanted))
        return found

    return records.read((kind, wanted), work)
