"""Today: what was decided and why, what comes next, and whether anything needs a person."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from mtum.app.queries.performance import AccountRow
from mtum.core.market.calendars import NEW_YORK
from mtum.core.reporting import words
from mtum.core.reporting.figures import WEEKDAYS
from mtum.ports.reading import Reader
from mtum.ports.rows import RunRow
from mtum.web import actions, documents
from mtum.web.drawing import distance_bar
from mtum.web.frame import Ask, form, nothing_yet
from mtum.web.html import Child, Html, card, change, day, empty, facts, joined, number, percent, table, tag, usd

type Table = Mapping[str, Any]


def page(ask: Ask) -> Child:
    """Return the page."""
    status = documents.status(ask.records)
    if status["last_run"] is None and not status["positions"]:
        return [*_problems(ask, status, []), nothing_yet(), _next(status)]
    sleeves, (told, unread) = documents.sleeves(ask.records), documents.last_explained(ask.records)
    runs = ask.records.read("last runs", _last_runs)
    return [
        *_problems(ask, status, runs),
        _account(ask, sleeves),
        _next(status),
        _verdicts(sleeves),
        _hands(ask, status),
        _timeline(runs),
        card("Its conditions", tag("p", unread, class_="note"), class_="half") if unread else None,
        *_conditions(told),
    ]


def _last_runs(reader: Reader | None) -> Sequence[RunRow]:
    return reader.rows(RunRow, None, 12) if reader else ()


def _problems(ask: Ask, status: Table, runs: Sequence[RunRow]) -> Iterator[Html]:
    lines = [str(one["text"]) for one in status["problems"]]
    lines += [f"needs you: {text}" for text in status["needs"]]
    lines += [
        f"halted ({one['restriction'].replace('_', '-')}) by {one['by']}"
        + (f", sleeve {one['sleeve']}" if one["sleeve"] else "")
        + f": {one['why']}"
        for one in status["halts"]
    ]
    if status["unsettled"]:
        lines.append(f"waiting to be settled: {', '.join(status['unsettled'])}")
    if status["undelivered"]:
        lines.append(f"{words.count(status['undelivered'], 'message')} waiting to be delivered")
    silent = ask.records.silent_scheduler()
    if silent:
        lines.append(silent)
    if runs and runs[-1].outcome not in ("finished", "skipped", "superseded", None):
        ended = runs[-1]
        lines.append(f"{ended.job} of {ended.session} ended {ended.outcome}, exit code {ended.exit_code}")
    if lines:
        yield card("Needs attention", tag("ul", *(tag("li", line) for line in lines)), class_="alert")


def _account(ask: Ask, sleeves: Table) -> Html:
    last = documents.closes(ask.records).last
    gained = sum(last.gained_usd.values()) if last else None
    return card(
        "Account",
        tag("p", usd(sleeves["equity_usd"]), class_="big"),
        facts(
            [
                (f"on {last.session}" if last else "last day", change(gained, _both(gained, last))),
                ("since it began", change(sleeves["gained_usd"], _whole(sleeves))),
                ("below its peak", percent(sleeves["drawdown_frac"], sign=False)),
                ("buy and hold", usd(sleeves["benchmark_usd"])),
            ]
        ),
        class_="half",
    )


def _both(gained: float | None, last: AccountRow | None) -> str:
    return f"{usd(gained, sign=True)} ({percent(last.return_frac if last else None)})"


def _whole(sleeves: Table) -> str:
    return f"{usd(sleeves['gained_usd'], sign=True)} ({percent(sleeves['return_frac'])})"


def _next(status: Table) -> Html:
    wakes, session = status["next_wakes"], status["next_session"]
    if status["replayed"] and not wakes:
        told: Child = empty("The market is replayed; the next session is played with ", "mtum run")
    elif not wakes:
        told = empty("No next step is known; look at ", "mtum doctor")
    else:
        wake = wakes[0]
        name = wake["job"].replace("_", " ") + (f" ({wake['slot']})" if wake["slot"] else "")
        at = datetime.fromisoformat(wake["at_utc"])
        replayed = status["replayed"]
        left = None if replayed else tag("p", "", class_="big", data_until=wake["at_utc"])
        local = [] if replayed else [("here", tag("span", "", data_local=wake["at_utc"]))]
        told = [
            left,
            facts([("step", name), ("New York", f"{_weekday(at)} {wake['at_new_york']}"), *local]),
            tag("p", "The market is replayed: these are its own times.", class_="quiet") if replayed else None,
        ]
    closes: Child = None
    if session:
        at = datetime.fromisoformat(session["closes_at"]).astimezone(NEW_YORK)
        half = tag("strong", ", a HALF DAY") if session["half_day"] else None
        closes = tag("p", f"Next session {session['session']}, closes {at:%H:%M} New York", half, ".")
    return card("What comes next", told, closes, class_="half")


def _weekday(at: datetime) -> str:
    return WEEKDAYS[at.astimezone(NEW_YORK).weekday()]


def _verdicts(sleeves: Table) -> Html:
    rows = []
    for one in sleeves["sleeves"]:
        action = one["action"] or "not decided"
        held = "; ".join(f"{row['shares']} {row['symbol']}" for row in one["positions"]) or "flat"
        reasons = words.listed(tuple(words.reason(word) for word in one["reasons"] if word))
        state = "" if one["state"] == "on" else f" ({one['state'].replace('_', '-')})"
        verdict = tag("span", action.replace("_", " "), class_=f"word {action if action in _WORDS else ''}".strip())
        rows.append([f"{one['sleeve']}{state}", verdict, reasons, held, usd(one["equity_usd"]), one["decided"] or ""])
    heads = ("sleeve", "verdict", "because", "holds", "equity", "session")
    return card("Last decision of each sleeve", table(heads, rows))


_WORDS = ("enter", "exit", "hold")
NEAREST = 3
"""Conditions shown of a sleeve that has many: those nearest to their thresholds."""


def _conditions(told: Table) -> Iterator[Html]:
    decisions = told.get("sleeves") or ({told.get("strategy", ""): told} if told.get("session") else {})
    for name, one in decisions.items():
        lines = one["conditions"]
        if not lines:
            continue
        met = sum(line["passed"] for line in lines)
        note = f"What would have changed it: {one['flip_note']}." if one.get("flip_note") else ""
        yield card(
            f"How far {name} was from its thresholds",
            tag("p", f"{met} of {len(lines)} conditions met in session ", day(one["session"]), f". {note}"),
            *map(_condition, _nearest(lines)),
            tag("details", tag("summary", f"All {len(lines)} conditions"), *map(_condition, lines))
            if len(lines) > NEAREST
            else None,
            class_="half",
        )


def _nearest(lines: Sequence[Table]) -> Sequence[Table]:
    # Those that would turn first; what has no threshold or no value is not near anything.
    def away(line: Table) -> float:
        value, threshold = line["value"], line["threshold"]
        if value is None or threshold is None:
            return float("inf")
        return float(abs(value - threshold) / max(abs(value), abs(threshold), 1e-9))

    return sorted(lines, key=away)[:NEAREST] if len(lines) > NEAREST else lines


def _condition(line: Table) -> Html:
    spec = words.condition(line["name"])
    met = "\N{CHECK MARK} met" if line["passed"] else "\N{MULTIPLICATION X} not met"
    unit = f" {line['unit']}" if line["unit"] else ""
    against = f" against {number(line['threshold'])}{unit}" if line["threshold"] is not None else ""
    told = f"{line['symbol']}: {spec.words}" if line["symbol"] else spec.words
    values = f"{number(line['value'])}{unit}{against}" if line["value"] is not None else "no value"
    return tag(
        "div",
        tag("span", told),
        tag("span", met, class_=f"met {'up' if line['passed'] else 'quiet'}"),
        tag("span", f"{line['role']}, {values}", class_="quiet num"),
        distance_bar(line["value"], line["threshold"], passed=line["passed"]),
        class_="condition",
    )


def _timeline(runs: Sequence[RunRow]) -> Html:
    days = [one for one in runs if one.session == runs[-1].session] if runs else []
    blocks: list[Child] = []
    for one in days:
        began = datetime.fromisoformat(one.started_at)
        steps = [(name, datetime.fromisoformat(at)) for name, at in one.steps.items()]
        ends = [at for _, at in steps[1:]] + [datetime.fromisoformat(one.finished_at) if one.finished_at else began]
        ended = "still at work" if one.outcome is None else f"{one.outcome}, exit code {one.exit_code}"
        lines = [
            tag("li", tag("span", name.replace("_", " ")), tag("span", f"{_clock(at)}  {_seconds(until - at)}"))
            for (name, at), until in zip(steps, ends, strict=False)
        ]
        head = f"{one.job.replace('_', ' ')}{f' ({one.slot})' if one.slot else ''}: {_clock(began)}, {ended}"
        blocks.append(
            tag("details", tag("summary", head), tag("ol", *lines, class_="line")) if lines else tag("p", head)
        )
    if not blocks:
        blocks.append(empty("No job has run yet."))
    return card(f"Jobs of {runs[-1].session}" if days else "Jobs", *blocks, class_="half")


def _clock(at: datetime) -> str:
    return f"{at.astimezone(NEW_YORK):%H:%M:%S}"


def _seconds(lasted: Any) -> str:
    return f"{lasted.total_seconds():,.1f} s"


def _hands(ask: Ask, status: Table) -> Html:
    if not ask.acts:
        return card("Halt, resume, approve", tag("p", ask.why_not, class_="note"), class_="half")
    names = ask.records.sleeves
    sleeve = _choice("sleeve", [("", "all sleeves"), *((name, name) for name in names)]) if len(names) > 1 else None
    halt = form(
        ask,
        "/api/v1/halt",
        tag("label", "why", tag("input", name="why", maxlength="300", autocomplete="off")),
        sleeve,
        tag("label", "what stops", _select("reduce_only", [("", "everything, exits too"), ("yes", "entries only")])),
        tag("label", tag("input", type="checkbox", name="confirmed", value="yes", required=True), "yes, halt",
            class_="tick"),
        tag("button", "Halt", class_="stop"),
    )  # fmt: skip
    parts: list[Child] = [halt]
    if status["halts"]:
        parts.append(tag("details", tag("summary", "Resume"), form(
            ask, "/api/v1/resume", sleeve, _typed(ask, "resume"), tag("button", "Lift the halts"))))  # fmt: skip
    if _asks_for_approval(ask):
        due = (status["next_session"] or {}).get("session", "")
        parts.append(tag("details", tag("summary", "Approve orders"), form(
            ask,
            "/api/v1/approve",
            tag("label", "session", tag("input", name="session", value=due, required=True, placeholder="YYYY-MM-DD")),
            tag("label", "orders", _select("way", [("enter", "entries"), ("exit", "exits")])),
            sleeve,
            _typed(ask, "approve"),
            tag("button", "Approve"),
        )))  # fmt: skip
    send = form(ask, "/api/v1/report/send", tag("button", "Send the last report"))
    return card("Halt, resume, approve", joined(*parts), send if status["last_run"] else None, class_="half")


def _asks_for_approval(ask: Ask) -> bool:
    settings = ask.records.settings
    return any(settings.risk_of(name).require_confirmation for name in ask.records.sleeves)


def _typed(ask: Ask, name: str) -> Html:
    live = ask.records.settings.mode == "live"
    told = "type the code of the account" if live else f"type {actions.word_typed(ask.records, name)}"
    return tag("label", told, tag("input", name="typed", required=True, autocomplete="off", autocapitalize="off"))


def _choice(name: str, choices: Sequence[tuple[str, str]]) -> Html:
    return tag("label", name, _select(name, choices))


def _select(name: str, choices: Sequence[tuple[str, str]]) -> Html:
    return tag("select", *(tag("option", told, value=given) for given, told in choices), name=name)
