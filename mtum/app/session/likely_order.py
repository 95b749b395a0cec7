"""The notice before the window: what would today's decision order, and how is it approved?"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec import Struct

from mtum.app.approvals.approve_orders import keep_notice, needs_approval
from mtum.app.desk import Desk, Problem, RunResult, exit_code_of
from mtum.app.session.decide_and_order import decide_and_order, sessions_around
from mtum.app.session.gather import refresh_universe
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.sessions import Session
from mtum.core.portfolio.orders import Purpose
from mtum.ports.messages import Message, Urgency
from mtum.ports.records import Way
from mtum.ports.time import Clock


def refresh_and_announce(desk: Desk, session: Session) -> RunResult:
    """Bring the cache of bars up to the session before, and announce the order that waits for approval, if any."""
    refused = refresh_universe(desk, session, sessions_around(desk, session))
    likely = likely_order(desk, session)
    problems = [Problem(error.exit_code, str(error)) for error in refused.values()]
    document = {"session": session.day.isoformat(), "problems": [problem.document() for problem in problems]}
    return RunResult(document, exit_code_of(tuple(problems)), (likely,) if likely else ())


def likely_order(desk: Desk, session: Session) -> Message | None:
    """Return the notice of the order that today's decision would likely make; None for none.

    Decided on the market as it is now and stored as a preview; the decision itself comes later
    and may differ.
    """
    required = {sleeve.name: desk.settings.risk_of(sleeve.name).require_confirmation for sleeve in desk.sleeves}
    if not any(required.values()):
        return None
    result = decide_and_order(replace(desk, clock=_Standing(desk.clock)), session, dry_run=True)
    wanted = [
        {**order, "sleeve": name}
        for name, one in result.document["sleeves"].items()
        for order in one.get("planned", ())
        if needs_approval(required[name], Purpose(order["purpose"]))
    ]
    options = [
        {**order, "sleeve": name, "symbol": order["underlying"], "side": order["purpose"], "shares": order["quantity"]}
        for name, one in result.document["sleeves"].items()
        for order in one.get("options", {}).get("planned", ())
        if required[name] == "all" or (required[name] is True and order["purpose"] != "close")
    ]
    wanted += options
    names = ("sleeve", "symbol", "side", "shares")
    listed = [{name: order[name] for name in names} | {"way": _way(order)} for order in wanted]
    keep_notice(desk, session.day, listed)
    if not wanted:
        return None
    whole = {sleeve.name for sleeve in desk.sleeves if sleeve.weight == 1}
    approve = f"mtum approve --session {session.day}"
    lines = [
        f"As the market stands, {session.day} would {_line(order)}"
        + ("" if order["sleeve"] in whole else f" for {order['sleeve']}")
        + (f", {order['crossed']} of it with another sleeve" if order.get("crossed") else "")
        + f".\n  to let it through: {approve} --{_way(order)}"
        + ("" if order["sleeve"] in whole else f" --sleeve {order['sleeve']} --symbol {order['symbol']}")
        for order in wanted
    ]
    if len(wanted) > 1:
        ways = sorted({_way(order) for order in wanted})
        lines.append(f"To let all of these through: {', '.join(f'{approve} --{way}' for way in ways)}.")
    if any(order.get("crossed") for order in wanted):
        decided = session.before_close(desk.settings.schedule.snapshot_minutes).astimezone(NEW_YORK)
        lines.append(
            f"Shares change sleeves only if both sides are approved by {decided:%H:%M} New York; "
            "else the side that is approved goes out alone."
        )
    until = session.before_close(desk.settings.schedule.last_send_minutes).astimezone(NEW_YORK)
    lines.append(f"Without approval by {until:%H:%M} New York nothing is sent.")
    subject = f"CONFIRM: {_line(wanted[0])} on {session.day}?"
    return Message(f"confirm:{desk.account}:{session.day}", Urgency.ACT_NOW, subject, "\n".join(lines))


def _way(order: dict[str, Any]) -> Way:
    if "legs" in order:
        return "exit" if order["purpose"] == "close" else "enter"
    return "enter" if Purpose(order["purpose"]).opens else "exit"


def _line(order: dict[str, Any]) -> str:
    if "legs" in order:
        legs = ", ".join(f"{leg['side']} {leg['ratio']} {leg['contract']}" for leg in order["legs"])
        return f"{order['purpose']} {order['quantity']} x {legs}"
    return f"{order['side']} {order['shares']} {order['symbol']}"


class _Standing(Struct, frozen=True):
    # A preview looks at the market now: it waits for nothing.
    clock: Clock

    def now(self) -> datetime:
        return self.clock.now()

    def wait_until(self, instant: datetime) -> None:
        pass
