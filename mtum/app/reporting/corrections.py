"""What has become known, or has changed, since the last reports were written."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from mtum.app.reporting.facts import SessionFacts
from mtum.app.reporting.money import TRADING
from mtum.core.reporting.parts.corrections import CorrectionLine
from mtum.core.reporting.stated import UNKNOWN, State, Stated, final, stated
from mtum.ports.store import Store

REPORTS_CHECKED = 5
"""Sessions looked back on: settlement, dividends and commissions are known well within them."""


@dataclass(frozen=True, slots=True)
class _Figure:
    told: Stated
    unit: str


def corrections(store: Store, facts: SessionFacts) -> tuple[CorrectionLine, ...]:
    """Return one line for each figure of the last reports that the store tells otherwise now."""
    reports = facts.earlier_reports[-REPORTS_CHECKED:]
    if facts.parts:  # what an account of other sleeves told was right of these
        names = {one.setup.strategy for one in facts.parts}
        reports = tuple(one for one in reports if {*one[1].get("sleeves", {})} == names)
    told = _told([stored for _, stored in reports])
    lines: list[CorrectionLine] = []
    for session, stored in reports:
        for subject, figure in _known(store, facts, session, stored).items():
            before = told.get((session, subject), _Figure(UNKNOWN, figure.unit))
            if _differs(before.told, figure.told):
                lines.append(CorrectionLine(session, subject, before.told, figure.told, figure.unit))
    return (*_received(facts, {session for session, _ in reports}), *lines)


def _received(facts: SessionFacts, looked_at: Container[date | None]) -> Iterator[CorrectionLine]:
    # A dividend may be paid weeks after its ex-date: the last report lists what was owed until then.
    for line in (facts.last_report or {}).get("owed", []):
        session, subject = date.fromisoformat(line["session"]), _cash_of(line["kind"], line["note"], paid=True)
        now = _known_cash(facts, session).get(subject)
        if now is not None and session not in looked_at:
            yield CorrectionLine(session, subject, final(0.0), now.told, now.unit)


def _differs(before: Stated, now: Stated) -> bool:
    # A figure that merely became final with the same amount is no news.
    if now.state is State.UNKNOWN or now.amount is None:
        return False
    return before.amount is None or abs(before.amount - now.amount) > 1e-9


def _told(reports: Sequence[Mapping[str, Any]]) -> dict[tuple[date, str], _Figure]:
    told: dict[tuple[date, str], _Figure] = {}
    for stored in reports:
        session = date.fromisoformat(stored["session"])
        told |= {(session, subject): figure for subject, figure in _reported(stored).items()}
        for line in stored["corrections"]:
            corrected = _Figure(_stored(line, "now"), line["unit"])
            told[(date.fromisoformat(line["session"]), line["subject"])] = corrected
    return told


def _stored(document: Mapping[str, Any], name: str) -> Stated:
    return Stated(document[name], State(document[f"{name}_state"]))


def _reported(stored: Mapping[str, Any]) -> dict[str, _Figure]:
    figures = {
        "equity": _Figure(_stored(stored["equity"], "equity_usd"), "USD"),
        "buy-and-hold equity": _Figure(_stored(stored["benchmark"], "equity_usd"), "USD"),
        "volume": _Figure(_stored(stored["data_quality"], "final_volume"), "shares"),
        "VIX close": _Figure(_stored(stored["data_quality"], "final_vix"), "points"),
    }
    for order in stored["orders"]:
        figures[f"filled, {order['ref']}"] = _Figure(final(order["filled_shares"]), "shares")
    for line in stored["cash"]:
        if not line["paid"]:
            figures[_cash_of(line["kind"], line["note"], paid=True)] = _Figure(final(0.0), "USD")
        figures[_cash_of(line["kind"], line["note"], paid=line["paid"])] = _Figure(final(line["amount_usd"]), "USD")
    for fill in stored["fills"]:
        figures[_commission_of(fill["exec_id"])] = _Figure(_stored(fill, "commission_usd"), "USD")
        figures[_price_of(fill["exec_id"])] = _Figure(final(fill["fill_price"]), "USD")
    return figures


def _known(store: Store, facts: SessionFacts, day: date, stored: Mapping[str, Any]) -> dict[str, _Figure]:
    figures = _known_account(facts, day) | _known_market(facts, day, stored) | _known_cash(facts, day)
    names = {one.setup.strategy for one in facts.own}
    for state in store.orders.states(day) if stored["orders"] else ():
        if state.intent.strategy in names and not state.intent.purpose.internal:
            figures[f"filled, {state.intent.ref}"] = _Figure(final(float(state.filled)), "shares")
    for fill in facts.fills:
        if fill.session == day and not (facts.parts and fill.crossed):
            figures[_price_of(fill.exec_id)] = _Figure(final(float(fill.price)), "USD")
            paid = None if fill.commission_usd is None else float(fill.commission_usd)
            figures[_commission_of(fill.exec_id)] = _Figure(stated(paid, is_final=True), "USD")
    return figures


def _known_account(facts: SessionFacts, day: date) -> dict[str, _Figure]:
    point = next((point for point in reversed(facts.points) if point.session == day), None)
    if point is None:
        return {}
    held = None if point.benchmark_usd is None else float(point.benchmark_usd)
    return {
        "equity": _Figure(stated(float(point.equity_usd), is_final=point.final), "USD"),
        "buy-and-hold equity": _Figure(stated(held, is_final=point.final), "USD"),
    }


def _known_cash(facts: SessionFacts, day: date) -> dict[str, _Figure]:
    return {
        _cash_of(move.kind, move.note, paid=move.paid): _Figure(final(float(move.amount_usd)), "USD")
        for move in facts.movements
        if move.session == day and move.kind not in TRADING
    }


def _known_market(facts: SessionFacts, day: date, stored: Mapping[str, Any]) -> dict[str, _Figure]:
    figures: dict[str, _Figure] = {}
    # The first symbol of that day's decision need not be that of this one's.
    bar = facts.bar(stored["symbol"], day)
    if bar is not None:
        is_final = facts.final_until is not None and day <= facts.final_until
        figures["volume"] = _Figure(stated(bar.volume, is_final=is_final), "shares")
    if day in facts.series("VIX"):
        figures["VIX close"] = _Figure(final(facts.series("VIX")[day]), "points")
    return figures


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
