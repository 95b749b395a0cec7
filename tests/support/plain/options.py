"""Which contracts each options strategy takes, by lists and loops: every combination is looked at, none is skipped."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple


class Line(NamedTuple):
    """A contract of a chain; bid, ask, open interest and delta are None where there is none."""

    number: int
    call: bool
    strike: float
    expiry: date
    days: int
    kind: str
    bid: float | None
    ask: float | None
    open_interest: int | None
    delta: float | None


class Wants(NamedTuple):
    """What a short has to be."""

    first: int
    last: int
    near: int
    delta: float
    open_interest: int
    credit: float
    spread: float
    blackout: Sequence[date] = ()


def middle(line: Line) -> float:
    return ((line.bid or 0.0) + (line.ask or 0.0)) / 2


def there(line: Line, spread: float, cheap: float = 0.0) -> bool:
    """Both sides, a delta, an open interest, and a spread that is small enough."""
    if line.bid is None or line.ask is None or line.bid <= 0 or line.ask <= line.bid:
        return False
    if line.delta is None or line.open_interest is None:
        return False
    if cheap and round(line.ask - line.bid, 6) <= cheap:
        return True
    return round((line.ask - line.bid) / middle(line), 6) <= spread


def liquid(lines: Sequence[Line], spread: float, cheap: float = 0.0) -> bool:
    tight, counted = 0, 0
    for line in lines:
        two_sided = line.bid is not None and line.ask is not None and 0 < line.bid < line.ask
        if two_sided and line.delta is not None and 0.10 <= abs(line.delta) <= 0.50 and 30 <= line.days <= 60:
            counted += 1
            tight += there(line._replace(open_interest=1), spread, cheap)
    return counted > 0 and 2 * tight >= counted


def size(line: Line) -> float:
    return round(abs(line.delta or 0.0), 6)


def nearest(lines: Sequence[Line], near: int, delta: float) -> Line | None:
    """Expiry nearest to the days, of two the earlier; there the delta nearest, the farther out of the money of two."""
    best: Line | None = None
    best_key: tuple[float, ...] = ()
    for line in lines:
        out = -line.strike if line.call else line.strike
        key = (abs(line.days - near), line.days, round(abs(size(line) - delta), 6), size(line), out, line.number)
        if best is None or key < best_key:
            best, best_key = line, key
    return best


def short(lines: Sequence[Line], today: date, wants: Wants, call: bool) -> list[Line]:
    found = []
    for line in lines:
        if line.call is not call or not there(line, wants.spread):
            continue
        if not wants.first <= line.days <= wants.last or size(line) > wants.delta:
            continue
        if (line.open_interest or 0) < wants.open_interest or round(middle(line), 6) <= wants.credit:
            continue
        if any(today <= day <= line.expiry for day in wants.blackout):
            continue
        found.append(line)
    return found


def put(lines: Sequence[Line], today: date, wants: Wants, limit: float | None) -> Line | None:
    if not liquid(lines, wants.spread):
        return None
    left = [line for line in short(lines, today, wants, False) if limit is None or line.strike <= limit]
    return nearest(left, wants.near, wants.delta)


def call(
    lines: Sequence[Line], today: date, wants: Wants, spot: float, paid: float, limit: float | None
) -> Line | None:
    if not liquid(lines, wants.spread):
        return None
    left = []
    for line in short(lines, today, wants, True):
        if line.strike >= round(paid, 6) and line.strike >= round(spot, 6) and (limit is None or line.strike >= limit):
            left.append(line)
    return nearest(left, wants.near, wants.delta)


class Old(NamedTuple):
    """A short that is to be rolled."""

    line: Line
    credit: float
    for_credit: bool
    paid: float
    limit: float | None


def rolled(lines: Sequence[Line], today: date, wants: Wants, spot: float, old: Old) -> Line | None:
    had, mid, limit = old.line, middle(old.line), old.limit
    tight = there(had._replace(delta=0.0, open_interest=1), 0.25, 0.05)
    if not liquid(lines, wants.spread) or not tight:
        return None
    left = []
    for line in short(lines, today, wants, had.call):
        if line.number == had.number or line.expiry < had.expiry:
            continue
        if old.for_credit and round(middle(line) - mid, 6) < wants.credit:
            continue
        if had.call:
            if line.strike < round(max(old.paid, spot, limit or 0.0), 6):
                continue
        else:
            if limit is not None and line.strike > limit:
                continue
            if line.strike > round(max(had.strike, had.strike + old.credit - mid), 6):
                continue
            if had.strike >= spot and line.strike > had.strike:
                continue
        left.append(line)
    return nearest(left, wants.near, wants.delta)


def hedge(lines: Sequence[Line], delta: float, days: int) -> Line | None:
    if not liquid(lines, 0.25, 0.05):
        return None
    left = []
    for line in lines:
        if line.call and line.kind == "VIX" and there(line, 0.25, 0.05) and line.days >= days and size(line) <= delta:
            left.append(line)
    return nearest(left, days, delta)


class Condor(NamedTuple):
    """What an iron condor has to be."""

    first: int
    last: int
    near: int
    short: float
    wing: float
    away: float
    credit: float
    open_interest: int
    spread: float
    used: Sequence[date] = ()


def side(lines: Sequence[Line], call: bool, wants: Condor, spot: float) -> list[Line] | None:
    """Short and wing of one side of one expiry."""
    enough = [line for line in lines if line.call is call and (line.open_interest or 0) >= wants.open_interest]
    sold = nearest([line for line in enough if there(line, wants.spread)], 0, wants.short)
    if sold is None:
        return None
    wings = []
    for line in enough:
        out = line.strike - sold.strike if call else sold.strike - line.strike
        if there(line, 0.25, 0.05) and out > 0 and round(out, 6) <= round(wants.away * spot, 6):
            wings.append(line)
    bought = nearest(wings, 0, wants.wing)
    return None if bought is None else [sold, bought]


def condor(lines: Sequence[Line], spot: float, wants: Condor) -> list[Line] | None:
    if not liquid(lines, wants.spread):
        return None
    expiries = sorted({line.expiry for line in lines}, key=lambda one: (abs(days_to(lines, one) - wants.near), one))
    for expiry in expiries:
        if not wants.first <= days_to(lines, expiry) <= wants.last or expiry in wants.used:
            continue
        here = [line for line in lines if line.expiry == expiry]
        puts, calls = side(here, False, wants, spot), side(here, True, wants, spot)
        if puts is None or calls is None or calls[0].strike <= puts[0].strike:
            continue
        credit = middle(puts[0]) - middle(puts[1]) + middle(calls[0]) - middle(calls[1])
        width = max(puts[0].strike - puts[1].strike, calls[1].strike - calls[0].strike)
        if round(credit / width, 6) >= wants.credit and round(credit, 6) < width:
            return puts + calls
    return None


def days_to(lines: Sequence[Line], expiry: date) -> int:
    return next(line.days for line in lines if line.expiry == expiry)


class Vertical(NamedTuple):
    """What a vertical spread has to be: deltas of the nearer and the farther leg, part of the width."""

    first: int
    last: int
    near: int
    nearer: float
    farther: float
    part: float
    debit: bool


def vertical(lines: Sequence[Line], wants: Vertical, bullish: bool) -> list[Line] | None:
    if not liquid(lines, 0.10):
        return None
    call = bullish is wants.debit
    expiries = sorted({line.expiry for line in lines}, key=lambda one: (abs(days_to(lines, one) - wants.near), one))
    for expiry in expiries:
        if not wants.first <= days_to(lines, expiry) <= wants.last:
            continue
        here = [line for line in lines if line.expiry == expiry and line.call is call]
        bought = [line for line in here if there(line, 0.25, 0.05)]
        sold = [line for line in here if there(line, 0.10)]
        one = nearest(bought if wants.debit else sold, 0, wants.nearer)
        if one is None:
            continue
        others = [
            line
            for line in (sold if wants.debit else bought)
            if (line.strike > one.strike if call else line.strike < one.strike)
        ]
        other = nearest(others, 0, wants.farther)
        if other is None:
            continue
        width, paid = abs(one.strike - other.strike), middle(one) - middle(other)
        part = round(paid / width, 6)
        if wants.debit and round(paid, 6) > 0 and part <= wants.part:
            return [one, other]
        if not wants.debit and part >= wants.part and round(paid, 6) < width:
            return [one, other]
    return None
