"""An execution's correction, sent right after the execution it corrects."""

from decimal import Decimal

from mtum.gateway.contracts import NEW_YORK, NEW_YORK_WIRE, listing_of
from mtum.gateway.floor import Floor
from mtum.gateway.wire.framing import Message
from mtum.gateway.wire.order_messages import exec_details, wire_time


def correction_of(floor: Floor, answer: Message, change: Decimal, version: int) -> tuple[Message, ...]:
    """Correct the execution of an execDetails message; nothing if it is not one."""
    found = [e for e in floor.desk.state.executions if e.exec_id in answer.fields]
    if not found:
        return ()
    corrected = floor.desk.correct(found[-1], found[-1].price + change)
    zone = "" if floor.behavior.naive_times else NEW_YORK_WIRE
    instant = wire_time(corrected.instant.astimezone(NEW_YORK), zone=zone)
    listing = listing_of(corrected.ticket.symbol)
    return (exec_details(int(answer.fields[1]), corrected, listing, version, instant),)
