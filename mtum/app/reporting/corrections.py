"""What has become known, or has changed, since the last reports were written."""

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from mtum.app.reporting.facts import SessionFacts
from mtum.app.reporting.money import TRADING
from mtum.core.reporting.parts.corrections import CorrectionLine
from mtum.core.reporting.stated import UNKNOWN, State, Stated, final, stated
from mtum.ports.store import Store

REPORTS_CHECKED = 5
"""Sessions looked back on: settlement, dividends and commissions are known well within them."""


type Figures = dict[str, tuple[Stated, str]]
"""Subject -> what is known of it, and its unit."""


def corrections(store: Store, facts: SessionFacts) -> tuple[CorrectionLine, ...]:
    """Return one line for each figure of the last reports that the store tells otherwise now."""
    reports = facts.earlier_reports[-REPORTS_CHECKED:]
    if facts.parts:  # what an account of other sleeves told was right of these
        names = {one.setup.strategy for one in facts.parts}
        reports = tuple(one for one in reports if {*one[1].get("sleeves", {})} == names)
    told = _told([stored for _, stored in reports])
    lines: list[CorrectionLine] = []
    for session, stored in reports:
        for subject, (now, unit) in _known(store, facts, session, stored).items():
            before = told.get((session, subject), UNKNOWN)
            if _differs(before, now):
                lines.append(CorrectionLine(session, subject, before, now, unit))
    return (*_received(facts, {session for session, _ in reports}), *lines)


def _received(facts: SessionFacts, looked_at: Container[date | None]) -> Iterator[CorrectionLine]:
    # A dividend may be paid weeks after its ex-date: the last report lists what was owed until then.
    for line in (facts.last_report or {}).get("owed", []):
        session, subject = date.fromisoformat(line["session"]), _cash_of(line["kind"], line["note"], paid=True)
        found = _known_cash(facts, session).get(subject)
        if found is not None and session not in looked_at:
            yield CorrectionLine(session, subject, final(0.0), *found)


def _differs(before: Stated, now: Stated) -> bool:
    # A figure that merely became final with the same amount is no news.
    if now.state is State.UNKNOWN or now.amount is None:
        return False
    return before.amount is None or abs(before.amount - now.amount) > 1e-9


def _told(reports: Sequence[Mapping[str, Any]]) -> dict[tuple[date, str], Stated]:
    told: dict[tuple[date, str], Stated] = {}
    for stored in reports:
        session = date.fromisoformat(stored["session"])
        told |= {(session, subject): amount for subject, amount in _reported(stored).items()}
        for line in stored["corrections"]:
            told[(date.fromisoformat(line["session"]), line["subject"])] = _stored(line, "now")
    return told


def _stored(document: Mapping[str, Any], name: str) -> Stated:
    return Stated(document[name], State(document[f"{name}_state"]))


def _reported(stored: Mapping[str, Any]) -> dict[str, Stated]:
    figures = {
        "equity": _stored(stored["equity"], "equity_usd"),
        "buy-and-hold equity": _stored(stored["benchmark"], "equity_usd"),
        "volume": _stored(stored["data_quality"], "final_volume"),
        "VIX close": _stored(stored["data_quality"], "final_vix"),
    }
    for order in stored["orders"]:
        figures[f"filled, {order['ref']}"] = final(order["filled_shares"])
    for line in stored["cash"]:
        if not line["paid"]:
            figures[_cash_of(line["kind"], line["note"], paid=True)] = final(0.0)
        figures[_cash_of(line["kind"], line["note"], paid=line["paid"])] = final(line["amount_usd"])
    for fill in stored["fills"]:
        figures[_commission_of(fill["exec_id"])] = _stored(fill, "commission_usd")
        figures[_price_of(fill["exec_id"])] = final(fill["fill_price"])
    return figures


def _known(store: Store, facts: SessionFacts, day: date, stored: Mapping[str, Any]) -> Figures:
    figures: Figures = {}
    point = next((point for point in reversed(facts.points) if point.session == day), None)
    if point is not None:
        held = None if point.benchmark_usd is None else float(point.benchmark_usd)
        figures["equity"] = stated(float(point.equity_usd), is_final=point.final), "USD"
        figures["buy-and-hold equity"] = stated(held, is_final=point.final), "USD"
    # The first symbol of that day's decision need not be that of this one's.
    bar = facts.bar(stored["symbol"], day)
    if bar is not None:
        is_final = facts.final_until is not None and day <= facts.final_until
        figures["volume"] = stated(bar.volume, is_final=is_final), "shares"
    if day in facts.series("VIX"):
        figures["VIX close"] = final(facts.series("VIX")[day]), "points"
    figures |= _known_cash(facts, day)
    names = {one.setup.strategy for one in facts.own}
    for state in store.orders.states(day) if stored["orders"] else ():
        if state.intent.strategy in names and not state.intent.purpose.internal:
            figures[f"filled, {state.intent.ref}"] = final(float(state.filled)), "shares"
    for fill in facts.fills:
        if fill.session == day and not (facts.parts and fill.crossed):
            paid = None if fill.commission_usd is None else float(fill.commission_usd)
            figures[_price_of(fill.exec_id)] = final(float(fill.price)), "USD"
            figures[_commission_of(fill.exec_id)] = stated(paid, is_final=True), "USD"
    return figures


def _known_cash(facts: SessionFacts, day: date) -> Figures:
    return {
        _cash_of(move.kind, move.note, paid=move.paid): (final(float(move.amount_usd)), "USD")
        for move in facts.movements
        if move.session == day and move.kind not in TRADING
    }


def _cash_of(kind: str, note: str, *, paid: bool) -> str:
    words = {(True, True): "dividend received", (True, False): "dividend due"}
    name = words.get((kind == "dividend", paid), kind)
    return f"{name}, {note}" if note else name


def _commission_of(exec_id: str) -> str:
    return f"commission, fill {_stem(exec_id)}"


def _price_of(exec_id: str) -> str:
    return f"price, fill {_stem(exec_id)}"


def _stem(exec_id: str) -> str:
    return exec_id.rpartition(".")[0] or exec_id
