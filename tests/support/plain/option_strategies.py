"""The five strategies of options as one reads their rules: lists, loops and plain numbers."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from math import floor
from typing import Any, NamedTuple

from support.plain import options as chains
from support.plain.options import Line, middle


class Leg(NamedTuple):
    """Contracts of an open group, negative for those sold, and their premium in USD per share."""

    line: Line
    held: int
    premium: float


class Group(NamedTuple):
    """An open group; the number of sessions to the ex-date is the day's."""

    name: str
    symbol: str
    legs: Sequence[Leg]
    broken: bool = False


class Day(NamedTuple):
    """What is known at a decision. Numbers of indicators are None where they are undefined."""

    today: date
    lines: Sequence[Line]
    spot: float
    before: float
    equity: float
    free: float
    shares: int
    paid: float
    groups: Sequence[Group]
    numbers: Mapping[str, float | None]
    widths: Sequence[float]
    since: int | None
    ex: int | None
    account: float
    premium: float
    vix: float | None


class Act(NamedTuple):
    """What is to be traded: purpose, group, contracts of one unit with their sign, units, and the worst net."""

    purpose: str
    group: str
    legs: Mapping[int, int]
    units: int
    worst: float | None


def value(line: Line) -> float | None:
    return None if line.bid is None or line.ask is None or not 0 < line.bid < line.ask else middle(line)


def least(one: float | None, bound: float) -> bool:
    return one is not None and one >= bound


def most(one: float | None, bound: float) -> bool:
    return one is not None and one <= bound


def times(amount: float | Decimal, unit: float) -> int:
    """Whole units that an amount pays for, in decimal numbers."""
    return max(0, floor(Decimal(str(amount)) / Decimal(str(unit)))) if unit > 0 else 0


def rank(values: Sequence[float] | None) -> float | None:
    if values is None or len(values) < 252 or max(values) == min(values):
        return None
    return round((values[-1] - min(values)) / (max(values) - min(values)), 6)


# Wheels


def puts_gate(day: Day, p: Mapping[str, Any]) -> bool:
    if not p["gates"]:
        return True
    place = sorted(day.widths)
    at = (len(place) - 1) * 0.2
    low = place[int(at)] + (at - int(at)) * (place[int(at) + 1] - place[int(at)])
    n = day.numbers
    quiet = n["rsi"] is not None and n["rsi"] < 70
    wide = day.widths[-1] >= round(low, 6)
    return quiet and n["mean"] is not None and day.spot >= n["mean"] and wide and least(n["rank"], 0.30)


def calls_gate(day: Day, p: Mapping[str, Any]) -> bool:
    return not p["gates"] or (least(day.numbers["rsi"], 50) and least(day.numbers["rank"], 0.30))


def wants_of(p: Mapping[str, Any], call: bool) -> chains.Wants:
    delta = p["call_delta"] if call else p["put_delta"]
    first, last = p["window"]
    return chains.Wants(
        first, last, p["near"], delta, p["min_open_interest"], p["min_credit"], 0.10, p.get("blackout", ())
    )


def what_becomes(day: Day, leg: Leg, p: Mapping[str, Any]) -> str:
    """Close with its reason, roll or keep of one short."""
    line, mark = leg.line, value(leg.line)
    pnl = None if mark is None else round((leg.premium - mark) / leg.premium, 6)
    in_the_money = line.strike <= day.spot if line.call else line.strike >= day.spot
    rolls_itm = p["roll_itm_calls"] if line.call else p["roll_itm_puts"]
    may_roll = not in_the_money or rolls_itm
    by_wheel = may_roll and ((line.days <= p["roll_dte"] and least(pnl, p["min_pnl"])) or least(pnl, p["roll_pnl"]))
    for black in p.get("blackout", ()):
        if day.today <= black <= line.expiry:
            return "blackout"
    if p["gates"]:
        if least(pnl, p["take"]):
            return "take"
        if p["stop_multiple"] and mark is not None and mark >= round(p["stop_multiple"] * leg.premium, 6):
            return "stop"
        if line.days <= p["exit_dte"] and (calls_gate(day, p) if line.call else puts_gate(day, p)):
            return "roll"
        if line.days <= p["exit_dte"] and pnl is not None and pnl > 0:
            return "exit_dte"
    if p["close_at_pnl"] and least(pnl, p["close_at_pnl"]):
        return "close_at_pnl"
    if p["gates"] and line.days > p["exit_dte"]:
        return ""
    return "roll" if by_wheel else ""


def wheel(day: Day, p: Mapping[str, Any]) -> list[Act]:
    closes, rolls = [], []
    free = Decimal(str(day.free))
    limit = p["strike_limit"] or None
    for group in day.groups:
        for leg in sorted(group.legs, key=lambda one: one.line.number):
            what = "" if group.broken else what_becomes(day, leg, p)
            count, line = -leg.held, leg.line
            if what and what != "roll":
                worst = {"take": p.get("take", 0.0), "close_at_pnl": p["close_at_pnl"]}.get(what)
                bound = None if worst is None or line.days <= 7 else round((1 - worst) * leg.premium, 6)
                closes.append(Act("close", group.name, {line.number: 1}, count, bound))
            if what == "roll":
                old = chains.Old(line, leg.premium, p["credit_only"], day.paid, limit)
                new = chains.rolled(day.lines, day.today, wants_of(p, line.call), day.spot, old)
                if new is None or value(line) is None:
                    continue
                more = Decimal(str(new.strike)) - Decimal(str(line.strike))
                if not line.call and more > 0:
                    count = min(count, max(0, floor(free / (more * 100))))
                    free -= more * 100 * count
                far = round((line.ask or 0) - (new.bid or 0), 6)
                worst = -p["min_credit"] if p["credit_only"] else max(far, round(middle(line) - middle(new), 6))
                if count:
                    rolls.append(Act("roll", group.name, {line.number: 1, new.number: -1}, count, worst))
    return [*closes, *rolls, *written(day, p, float(free))]


def written(day: Day, p: Mapping[str, Any], free: float) -> list[Act]:
    sold = [leg for group in day.groups for leg in group.legs if leg.held < 0]
    target = times(Decimal(str(p["weight"])) * Decimal(str(day.equity)), day.spot)
    moved = round(abs(day.spot - day.before), 6) >= round(p["write_threshold"] * day.before, 6)
    puts = (target - day.shares - 100 * sum(-leg.held for leg in sold if not leg.line.call)) // 100
    red = p["write_on"] == "any" or day.spot <= day.before
    limit = p["strike_limit"] or None
    if puts >= 1 and red and moved and puts_gate(day, p):
        line = chains.put(day.lines, day.today, wants_of(p, False), limit)
        if line is not None:
            pace = max(1, times(Decimal(str(p["max_new_frac"])) * Decimal(str(day.equity)), day.spot * 100))
            count = min(puts, pace, times(free, line.strike * 100))
            if count >= 1:
                return [Act("open", "", {line.number: -1}, count, -p["min_credit"])]
    own = max(0, day.shares - target) if p["excess_only"] else day.shares
    calls = times(Decimal(str(p["cap_factor"])) * own, 100) - sum(-leg.held for leg in sold if leg.line.call)
    green = p["write_on"] == "any" or day.spot > day.before
    if calls >= 1 and green and moved and calls_gate(day, p):
        line = chains.call(day.lines, day.today, wants_of(p, True), day.spot, day.paid, limit)
        if line is not None:
            return [Act("open", "", {line.number: -1}, calls, -p["min_credit"])]
    return []


# Structures of defined risk


def net_of(group: Group) -> float:
    units = min(abs(leg.held) for leg in group.legs)
    return round(sum(leg.premium * leg.held for leg in group.legs) / units, 6)


def mark_of(group: Group) -> float | None:
    values = [(leg.held, value(leg.line)) for leg in group.legs]
    units = min(abs(leg.held) for leg in group.legs)
    return None if any(one is None for _, one in values) else round(
        sum(-count * (one or 0.0) for count, one in values) / units, 6
    )  # fmt: skip


def width_of(group: Group) -> float:
    widths = []
    for call in (False, True):
        strikes = [leg.line.strike for leg in group.legs if leg.line.call is call]
        if strikes:
            widths.append(max(strikes) - min(strikes))
    return max(widths)


def loss_of(group: Group) -> float:
    units = min(abs(leg.held) for leg in group.legs)
    net = net_of(group)
    return 100 * units * (width_of(group) + net if net < 0 else net)


def closed(group: Group, reason: str, take: float) -> Act:
    units, net = min(abs(leg.held) for leg in group.legs), net_of(group)
    days = min(leg.line.days for leg in group.legs)
    bound = None
    if reason == "take" and days > 7:
        bound = (1 - take) * -net if net < 0 else -(net + take * (width_of(group) - net))
    legs = {leg.line.number: -leg.held // units for leg in group.legs}
    return Act("close", group.name, legs, units, None if bound is None else round(bound, 6))


def by_mark(group: Group, p: Mapping[str, Any]) -> str:
    net, mark = net_of(group), mark_of(group)
    if net < 0:
        if mark is not None and mark <= round((1 - p["take"]) * -net, 6):
            return "take"
        if mark is not None and mark >= round(p["stop_multiple"] * -net, 6):
            return "stop"
    else:
        worth = None if mark is None else -mark
        if worth is not None and worth >= round(net + p["take"] * (width_of(group) - net), 6):
            return "take"
        if worth is not None and worth <= round(net / p["stop_multiple"], 6):
            return "stop"
    return ""


def why_closed(day: Day, group: Group, p: Mapping[str, Any], condor: bool) -> str:
    if (word := by_mark(group, p)) != "":
        return word
    if min(leg.line.days for leg in group.legs) <= p["exit_dte"]:
        return "exit_dte"
    calls = [leg.line.strike for leg in group.legs if leg.held < 0 and leg.line.call]
    puts = [leg.line.strike for leg in group.legs if leg.held < 0 and not leg.line.call]
    if condor:
        if puts and day.spot < puts[0]:
            return "beyond_put"
        if calls and day.spot > calls[0]:
            return "beyond_call"
    else:
        average = day.numbers["short_mean"]
        if average is not None and (day.spot < average if rises(group) else day.spot > average):
            return "bias_lost"
    if calls and day.spot >= calls[0] and day.ex is not None and day.ex <= 2:
        return "ex_date"
    return ""


def rises(group: Group) -> bool:
    calls = group.legs[0].line.call
    return calls if net_of(group) > 0 else not calls


def size(day: Day, p: Mapping[str, Any], loss: float) -> int:
    lost = sum(loss_of(group) for group in day.groups)
    left = min(p["max_loss_frac"] * day.equity, p["total_loss_frac"] * day.equity - lost)
    return times(round(left, 6), round(loss * 100, 6)) if left > 0 else 0


def opened(
    day: Day, p: Mapping[str, Any], legs: Sequence[Line] | None, bought: Sequence[int], part: float
) -> list[Act]:
    if not legs:
        return []
    signs = {line.number: 1 if at in bought else -1 for at, line in enumerate(legs)}
    net = round(sum(signs[line.number] * middle(line) for line in legs), 6)
    width = max(
        max(strikes) - min(strikes)
        for strikes in ([line.strike for line in legs if line.call is call] for call in (False, True))
        if strikes
    )
    units = size(day, p, width + net if net < 0 else net)
    return [Act("open", "", signs, units, round(part * width, 6))] if units else []


def condor(day: Day, p: Mapping[str, Any]) -> list[Act]:
    found = [closed(one, why, p["take"]) for one in day.groups if (why := why_closed(day, one, p, True))]
    adx = day.numbers["adx"]
    enters = (
        least(day.numbers["rank"], p["iv_rank_min"])
        and adx is not None
        and adx < p["adx_max"]
        and len(day.groups) < p["max_open"]
        and (day.since is None or day.since >= p["spacing_sessions"])
    )
    if not enters:
        return found
    used = [leg.line.expiry for group in day.groups for leg in group.legs]
    wants = chains.Condor(30, 60, 45, 0.20, 0.05, 0.05, p["min_credit_frac"], 100, 0.25, used)
    return found + opened(day, p, chains.condor(day.lines, day.spot, wants), (1, 3), -p["min_credit_frac"])


def vertical(day: Day, p: Mapping[str, Any]) -> list[Act]:
    found = [closed(one, why, p["take"]) for one in day.groups if (why := why_closed(day, one, p, False))]
    n = day.numbers
    short, long, rsi, iv = (n[name] for name in ("short_mean", "long_mean", "rsi", "rank"))
    if short is None or long is None or rsi is None or iv is None:
        return found
    bullish = day.spot > short > long and rsi >= 45
    bearish = day.spot < short < long and rsi <= 55
    if not (bullish or bearish) or any(rises(one) is bullish for one in day.groups):
        return found
    if iv >= p["iv_rank_min"]:
        wants = chains.Vertical(30, 60, 45, 0.30, 0.15, p["min_credit_frac"], False)
        return found + opened(day, p, chains.vertical(day.lines, wants, bullish), (1,), -p["min_credit_frac"])
    if not p["allow_debit"]:
        return found
    wants = chains.Vertical(30, 60, 45, 0.60, 0.30, 0.60, True)
    return found + opened(day, p, chains.vertical(day.lines, wants, bullish), (0,), 0.60)


# Hedge


def hedge(day: Day, p: Mapping[str, Any]) -> list[Act]:
    if day.vix is None:
        return []
    calls = [
        (group, leg)
        for group in day.groups
        for leg in group.legs
        if leg.held > 0 and leg.line.call and leg.line.days > p["ignore_dte"]
    ]
    if calls:
        if day.vix <= p["close_above"]:
            return []
        return [Act("close", group.name, {leg.line.number: -1}, leg.held, None) for group, leg in calls]
    weight = 0.0
    for low, part in p["buckets"]:
        if day.vix >= low:
            weight = part
    if day.vix > p["close_above"] or weight <= 0:
        return []
    line = chains.hedge(day.lines, p["delta"], 30)
    if line is None:
        return []
    left = max(0.0, p["annual_premium_frac"] * day.account - day.premium)
    count = times(round(min(weight * day.account, day.free, left), 6), round(100 * (line.ask or 0.0), 6))
    return [Act("open", "", {line.number: 1}, count, line.ask)] if count else []
