"""What each of the broker's codes means, with and without an order.

An order code never proves by itself that an order is dead: several come with a live or partly filled
order. An unknown code that carries an order id means that the order's state is unknown.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

from msgspec import Struct


class Meaning(Enum):
    """What a code says about the request or order that it carries."""

    GOES_ON = "information; request and order go on"
    WAIT = "transient; a read may be asked again"
    FAILED = "the request has failed"
    REJECTED = "an order that was never acknowledged was refused"
    UNKNOWN = "the order's state is unknown until fresh lists tell"
    CANCEL_IT = "the order lives and must not: cancel it, tell a person"
    PERSON = "a person is needed"


class Row(Struct, frozen=True):
    """One code: its meaning without an order, with one (goes on, rejected, unknown or cancel it), and what to know.

    What becomes of the order is done in `adapters/brokers/ib/` and `app/session/submit_orders.py`.
    """

    code: int
    alone: Meaning
    order: Meaning
    words: str


_GOES_ON, _WAIT, _FAILED, _PERSON = Meaning.GOES_ON, Meaning.WAIT, Meaning.FAILED, Meaning.PERSON
_REJECTED, _UNKNOWN, _CANCEL_IT = Meaning.REJECTED, Meaning.UNKNOWN, Meaning.CANCEL_IT

_CONNECTION = (
    ((1100, 2110), _WAIT, _UNKNOWN, "send nothing until 1101 or 1102; then read every list again"),
    ((1101, 1102), _GOES_ON, _UNKNOWN, "the link is back: read every list again"),
    ((1300,), _WAIT, _UNKNOWN, "the port was reset: connect again"),
    ((2100,), _GOES_ON, _GOES_ON, "account values are asked afresh each time"),
    ((2103, 2105, 2157), _WAIT, _GOES_ON, "a farm is broken: market data may fail"),
    ((2104, 2106, 2158, 2107, 2108, 2119), _GOES_ON, _GOES_ON, "a farm is fine, idle or connecting"),
    ((10197,), _PERSON, _GOES_ON, "the same user is logged in elsewhere; give the program a user of its own"),
    ((10182, 10225), _WAIT, _GOES_ON, "a data subscription stopped; data are asked afresh each time"),
    ((100,), _WAIT, _UNKNOWN, "too many messages: slow down"),
    ((101,), _FAILED, _GOES_ON, "too many data lines"),
    ((326,), _PERSON, _UNKNOWN, "another program uses this client id; the same id is tried again for a while"),
    ((327, 329), _FAILED, _REJECTED, "not allowed for this client"),
    ((501,), _GOES_ON, _GOES_ON, "already connected"),
    ((502, 504), _WAIT, _UNKNOWN, "not connected: connect again"),
    ((503,), _PERSON, _UNKNOWN, "the gateway is too old"),
    ((505, 506, 507, 508, 509), _WAIT, _UNKNOWN, "the connection broke: connect again"),
    ((10328,), _WAIT, _UNKNOWN, "connection lost, orders not confirmed: read every list"),
)
_REQUESTS = (
    ((162,), _FAILED, _GOES_ON, "history failed: pacing, no data or no permission; the text tells"),
    ((165, 366, 300), _GOES_ON, _GOES_ON, "nothing is lost"),
    ((200,), _FAILED, _REJECTED, "contract unknown or ambiguous: a listing may have changed"),
    ((203,), _PERSON, _REJECTED, "the instrument is not allowed for this account"),
    (
        (320, 321),
        _FAILED,
        _REJECTED,
        "the request could not be validated; with 'Read-Only' in the text the gateway takes no orders",
    ),
    ((322, 323), _FAILED, _UNKNOWN, "the server failed while it worked on the request"),
    ((354, 10089, 10090, 10091, 10168, 10186), _FAILED, _GOES_ON, "no market data subscription"),
    ((10167,), _GOES_ON, _GOES_ON, "delayed data follow; they are marked as delayed"),
    ((420,), _WAIT, _GOES_ON, "real-time query refused, usually pacing"),
    ((10187, 10189), _FAILED, _GOES_ON, "a history request failed"),
)
_ORDERS = (
    ((103,), _FAILED, _UNKNOWN, "an earlier order has this id: find it, do not count up and resend"),
    ((104, 105, 106, 107), _FAILED, _REJECTED, "change or incomplete order refused"),
    ((109, 110, 163, 382, 383), _FAILED, _REJECTED, "price or size outside the allowed band or step"),
    ((113,), _FAILED, _REJECTED, "an on-close order must be DAY"),
    ((116, 133, 134, 135, 136), _FAILED, _UNKNOWN, "the exchange or order was not reached"),
    (tuple(range(10333, 10348)), _FAILED, _REJECTED, "an order field is not valid"),
    ((161,), _FAILED, _UNKNOWN, "cancel refused: the order may live"),
    ((201,), _FAILED, _REJECTED, "rejected; the text tells why; may also come after acceptance"),
    ((202,), _FAILED, _UNKNOWN, "canceled or expired; what was filled stays filled"),
    ((328, 336, 337, 338), _FAILED, _REJECTED, "trailing or time condition not valid"),
    ((387,), _FAILED, _REJECTED, "order type not available on that venue"),
    ((388, 434, 435, 436), _FAILED, _REJECTED, "size, account or allocation missing"),
    ((399,), _GOES_ON, _GOES_ON, "message about the order; another session's date: cancel at once"),
    ((404, 2137), _PERSON, _CANCEL_IT, "the order sells more than is held"),
    ((411, 412, 413), _FAILED, _REJECTED, "flag not valid or contract not tradable"),
    ((426, 460), _PERSON, _REJECTED, "not enough shares, or no permission"),
    ((481,), _GOES_ON, _GOES_ON, "the broker reduced the size: the lists show what it became"),
    ((10147,), _FAILED, _UNKNOWN, "order to cancel not found for this client: says nothing about it"),
    ((10148,), _FAILED, _UNKNOWN, "the order cannot be canceled: after C - 10 it lives"),
    ((*range(10242, 10253), 10318), _FAILED, _REJECTED, "fractions are not supported"),
    ((2168, 2169, 10268, 10269, 10270), _FAILED, _REJECTED, "an obsolete order field"),
    ((391, 392, 478), _FAILED, _REJECTED, "time not valid, contract expired, or its facts are those of another"),
    ((10043, 10054, 10058), _FAILED, _REJECTED, "prices or routing of a combination's legs are not allowed"),
    ((10311, 10329), _GOES_ON, _GOES_ON, "warning about a directly routed order"),
    ((10349, 2109), _GOES_ON, _GOES_ON, "a field was preset or ignored; the order lives"),
)

CODES: Mapping[int, Row] = {
    code: Row(code, alone, order, words)
    for codes, alone, order, words in (*_CONNECTION, *_REQUESTS, *_ORDERS)
    for code in codes
}
"""Every code that is known; ask `row_of` for any."""

LINK_DOWN = (1100, 2110)
"""The gateway has lost the broker's servers."""
FARM_FINE = 2104
"""A market data farm is there; the text names it."""
LINK_BACK = (1101, 1102)
"""The servers are back."""
CLIENT_ID_IN_USE = 326
OTHER_SESSION = 399
NO_PERMISSION = (162, 354, 10089, 10090, 10091, 10168, 10186, 10187, 10189)
"""Market data that this login may not have, or that do not exist."""


def row_of(code: int) -> Row:
    """Return what a code means; an unknown one is information, or an unknown order."""
    known = CODES.get(code)
    if known is not None:
        return known
    return Row(code, Meaning.FAILED, Meaning.UNKNOWN, "not in the table: nothing is concluded from it")


def is_read_only(text: str) -> bool:
    """Return whether a refusal says that the gateway's interface takes no orders at all."""
    return "read-only" in text.lower()


def gravest(codes: Iterable[int]) -> Meaning:
    """Return what a set of codes means for an order: a doubt outweighs a refusal, a refusal a notice."""
    found = {row_of(code).order for code in codes}
    ranked = (Meaning.CANCEL_IT, Meaning.UNKNOWN, Meaning.REJECTED)
    return next((meaning for meaning in ranked if meaning in found), Meaning.GOES_ON)
