"""Faults on request: which message, how many times, and what goes wrong with it.

A rule names a message as the protocol does: a request (`placeOrder`) or an answer (`openOrder`); the
words `request` and `answer` mean any of them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar

from pydantic import ConfigDict

from mtum.gateway.given import Amount, Minutes, Seconds, Switch, Whole, read
from mtum.gateway.requests import LAYOUTS


class Fault(Enum):
    """What goes wrong.

    On a request: DROP closes the connection before it is carried out; SWALLOW loses the request;
    SUPPRESS carries it out and loses the answers; CARRY_OUT_THEN_DROP closes the connection after it;
    DELAY carries it out `seconds` later; LATE sends its answers `seconds` later; DUPLICATE sends them
    twice; REJECT answers with an error instead; PARTIAL lets the order fill `shares` at most;
    REJECT_LATER rejects the accepted order `minutes` before the close; INACTIVE shows it as Inactive from
    `minutes` before the close on, though it works and fills; EXTRA fills `shares` beyond what was ordered, in an
    execution of their own; TWICE places it twice; FILL (on cancelOrder) fills `shares` of an order in options, 0 = all,
    while the cancel is on its way; NOTICE adds an error message;
    RESTART carries it out (unless `carry_out` is false) and restarts the gateway; HOLD carries it out
    (unless `carry_out` is false) and from then on neither hears nor answers this client: the moment to kill it;
    ALTER changes `fields` of it before it is carried out;
    JUMP carries it out and then sets market time `minutes` on.

    On an answer: DROP closes the connection instead of sending; SWALLOW and SUPPRESS lose it;
    CARRY_OUT_THEN_DROP sends it and closes; DELAY holds the stream; LATE sends it later, others overtake;
    DUPLICATE sends it twice; NOTICE adds an error message; CORRECT (on execDetails) sends the execution
    and then its correction at `price_change` more; RESTART sends it and restarts; HOLD sends it (unless
    `carry_out` is false) and then neither hears nor answers this client; ALTER sends it with other `fields`.
    """

    DROP = "drop"
    DELAY = "delay"
    SWALLOW = "swallow"
    CARRY_OUT_THEN_DROP = "carry_out_then_drop"
    REJECT = "reject"
    DUPLICATE = "duplicate"
    LATE = "late"
    SUPPRESS = "suppress"
    RESTART = "restart"
    HOLD = "hold"
    CORRECT = "correct"
    PARTIAL = "partial"
    REJECT_LATER = "reject_later"
    INACTIVE = "inactive"
    EXTRA = "extra"
    TWICE = "twice"
    FILL = "fill"
    JUMP = "jump"
    NOTICE = "notice"
    ALTER = "alter"


_REQUEST_ONLY = frozenset(
    {
        Fault.REJECT,
        Fault.PARTIAL,
        Fault.REJECT_LATER,
        Fault.INACTIVE,
        Fault.EXTRA,
        Fault.TWICE,
        Fault.FILL,
        Fault.JUMP,
    }
)
_ANSWER_ONLY = frozenset({Fault.CORRECT})
_POSITION = re.compile(r"-?\d+")
REQUEST_NAMES = frozenset(name for name, _ in LAYOUTS.values())
ANY_REQUEST, ANY_ANSWER = "request", "answer"
_ANSWERS = """
accountSummary accountSummaryEnd accountUpdateMulti accountUpdateMultiEnd acctDownloadEnd acctUpdateTime
acctValue commissionReport completedOrder completedOrdersEnd contractData contractDataEnd currentTime
error execDetails execDetailsEnd headTimestamp historicalData historicalSchedule managedAccts
marketDataType marketRule nextValidId openOrder openOrderEnd orderStatus pnl pnlSingle portfolioValue
position positionEnd secDefOptParams secDefOptParamsEnd symbolSamples tickPrice tickReqParams tickSize tickSnapshotEnd
tickString tickOptionComputation userInfo
"""
ANSWER_NAMES = frozenset(_ANSWERS.split())


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault: which message, which of its occurrences, what happens.

    Parameters
    ----------
    on : str
        Name of a request or an answer; `request` or `answer` for any.
    skip, count : int
        Let so many pass, then strike so many times; count 0 = every time.
    client : int
        Only this client id; -1 = any.
    code, text : int, str
        REJECT, REJECT_LATER, NOTICE.
    own_id : bool
        NOTICE carries the request's (order's) id; else -1.
    when : mapping of str to str
        Only messages with these texts: by field name in a request, by position in an answer ("0" is the
        message's number, "-1" its last field).
    fields : mapping of str to str
        ALTER: the texts to put in their places, named likewise.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    on: str
    do: Fault
    skip: Whole = 0
    count: Whole = 1
    client: Whole = -1
    seconds: Seconds = 0.5
    code: Whole = 201
    text: str = "Order rejected - reason: simulated"
    own_id: Switch = True
    shares: Whole = 0
    minutes: Minutes = 12.0
    price_change: Amount = Decimal("0.01")
    carry_out: Switch = True
    when: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


type Told = Mapping[str, str] | Sequence[str]
"""The fields of a message: by name in a request, by position in an answer."""


def fault_rule(described: Mapping[str, Any]) -> FaultRule:
    """Read a rule from JSON.

    Raises
    ------
    ValueError
        If a key, the message name or the fault is unknown, or they do not go together.
    """
    rule = read(FaultRule, described)
    if rule.on not in REQUEST_NAMES | ANSWER_NAMES | {ANY_REQUEST, ANY_ANSWER}:
        raise ValueError(f"no message is called {rule.on!r}")
    wrong = _ANSWER_ONLY if rule.on in REQUEST_NAMES | {ANY_REQUEST} else _REQUEST_ONLY
    if rule.do in wrong or (rule.do is Fault.FILL and rule.on != "cancelOrder"):
        raise ValueError(f"{rule.do.value!r} does not go with {rule.on!r}")
    if (rule.do is Fault.ALTER) is not bool(rule.fields):
        raise ValueError("'alter' needs 'fields', and nothing else takes them")
    asked = rule.on in REQUEST_NAMES | {ANY_REQUEST}
    misnamed = [name for name in (*rule.when, *rule.fields) if not asked and not _POSITION.fullmatch(name)]
    if misnamed:
        raise ValueError(f"{misnamed[0]!r} is no position; the fields of an answer are counted: 0 is its number")
    return rule


def altered(rule: FaultRule, told: Sequence[str]) -> tuple[str, ...]:
    """Return an answer's fields as an ALTER rule wants them; positions it has not are left out."""
    found = list(told)
    for place, text in rule.fields.items():
        if _field(told, place) is not None:
            found[int(place)] = text
    return tuple(found)


@dataclass(slots=True)
class _Armed:
    rule: FaultRule
    seen: int = field(default=0)


class Faults:
    """The armed rules and how often each message has been seen."""

    def __init__(self, rules: Iterable[FaultRule] = ()) -> None:
        self._armed = [_Armed(rule) for rule in rules]

    def add(self, rule: FaultRule) -> None:
        """Arm one more rule; it counts from now on."""
        self._armed.append(_Armed(rule))

    def clear(self) -> None:
        """Disarm all rules."""
        self._armed.clear()

    def take(self, name: str, client: int, told: Told = ()) -> FaultRule | None:
        """Count one message; return the first rule that strikes it, if any.

        Parameters
        ----------
        name : str
            Name of the message.
        client : int
            Number of the client.
        told : Told
            The fields of a message: by name in a request, by position in an answer.
        """
        struck = [armed.rule for armed in self._armed if _strikes(armed, name, client, told)]
        return struck[0] if struck else None


def _strikes(armed: _Armed, name: str, client: int, told: Told) -> bool:
    rule = armed.rule
    anything = ANY_REQUEST if name in REQUEST_NAMES else ANY_ANSWER
    if rule.on not in (name, anything) or rule.client not in (-1, client):
        return False
    if any(_field(told, place) != text for place, text in rule.when.items()):
        return False
    armed.seen += 1
    nth = armed.seen - rule.skip
    return nth >= 1 and (rule.count == 0 or nth <= rule.count)


def _field(told: Told, place: str) -> str | None:
    if isinstance(told, Mapping):
        return told.get(place)
    at = int(place)
    return told[at] if -len(told) <= at < len(told) else None
