"""What the loop of the walker reads and writes; arrays where it is compiled, lists of rows where it is not."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

type Numbers = NDArray[np.float64]
type Counts = NDArray[np.int64]
type Mask = NDArray[np.bool_]

ALLOCATES, RANKS, SIGNALS, REBALANCES = range(4)
"""Kinds of column forms."""
NOTHING, KEEPS, TARGETS, COUNTS = range(4)
"""What a symbol's verdict is: none, as it is, a weight, a number of shares."""
DAILY_LOSS, ENDED, CARRIED = -1, -2, 1 << 20
"""Reasons beside the form's own: a loss that sells, bars that have ended, and what is added to the reason of a purchase
that stands."""
CASH, DUE, PEAK, LAST, CHANGE = range(5)
"""The purse: cash, dividends of the session, highest close, equity at the last close and how that had changed."""
HIT_AT, HALTED, DECIDED, PENDING, WAITING, ORDERS, CAPPED, HELD, STANDING, FILLED = range(10)
"""The marks: session of the last daily loss, whether trading is halted, the row decided last; how many orders wait to
be filled, sales to settle, orders were filled, purchases were made smaller; symbols held, those with a
purchase that stands, and where in the exchange's calendar the last fill was."""
AT, SYMBOL, SIGNED, WORD = range(4)
"""Columns of an order filled: session, symbol, shares below 0 for a sale, reason."""
MEASURE, GOAL, OF_ALL, CHOPPY, REST, AFTER_FILL, OWN, OTHER, UNBOUNDED = range(9)
"""Columns of a trigger, the last three its reasons."""
PART, LEAST_OPEN, ONE_SIDED, LEFT = range(4)
"""Columns of a trigger's amounts."""
NEVER = -(1 << 40)
FREE, UNTIL_DOWN, UNTIL_UP = range(3)
"""Whether a trailing stop keeps a symbol out: until its mask is false, then until it is true again."""
STOPPED = 3
"""Kind of reason in `Wishes.words`, behind those of an entry, of what adds and of what takes off."""


class Terms(NamedTuple):
    """What is traded on; USD, fractions and sessions. Limits that are not set are infinite."""

    max_position_frac: float
    max_position_usd: float
    buffer_frac: float
    fixed_schedule: bool
    cost_frac: float
    per_share_usd: float
    minimum_usd: float
    cap_frac: float
    slippage_frac: float
    next_open: bool
    max_daily_loss_usd: float
    max_daily_loss_frac: float
    loss_pause_sessions: int
    flatten: bool
    max_drawdown_frac: float
    min_trade_usd: float
    min_trade_frac: float
    stands: bool
    never_sells: bool


class Market(NamedTuple):
    """Prices and dividends by session and symbol, USD.

    `closing` is the newest close, 0 before the first; `seen` what of it a decision knows: of a symbol that is not fit
    the one before the session, as nothing of the session itself is accepted of it. `fill` is what an order is filled
    at in that session, 0 where nothing trades; `pays` says in which sessions there is a dividend; `counted` places
    sessions in the exchange's calendar; `settled` is the session from which the proceeds of a sale can be spent.
    """

    seen: Numbers
    closing: Numbers
    fill: Numbers
    dividend: Numbers
    pays: Mask
    fit: Mask
    counted: Counts
    settled: Counts


class Wishes(NamedTuple):
    """A column form as the loop reads it; what a kind does not use is one row of nothing."""

    kind: int
    row: Counts
    value: Numbers
    part: Numbers
    words: Counts
    sequence: Counts
    may_buy: Mask
    least_change: float
    entries_always: bool
    most_drift: float
    drift_word: int
    targets_last: bool
    top: int
    stay_rank: int
    kept: Numbers
    target: float
    stop: float
    most_sessions: int
    bits: Counts
    step: float
    step_word: int
    most_units: int
    most_weight: float
    trails: bool
    distance: Numbers
    highest: Numbers
    anew: Mask
    stop_word: int
    triggers: Counts
    amounts: Numbers
    bands: Numbers
    widths: Numbers
    flat_word: int
    lookback: int
    choppiness: float


class Book(NamedTuple):
    """What one session leaves to the next.

    By symbol, since it was flat: `decided`, `kept` and `unit` are the session, the distance and the weight of the
    decision that entered, `high` the highest close from that session on; `entry` is the average price of all
    purchases, `last` that of the last, `units` their number, `bought` and `paid` their shares and USD. `out` says
    whether a trailing stop keeps it out.
    """

    purse: Numbers
    marks: Counts
    shares: Counts
    held: Counts
    stands: Counts
    since: Counts
    stood_for: Counts
    pending: Counts
    settles: Counts
    proceeds: Numbers
    decided: Counts
    kept: Numbers
    unit: Numbers
    high: Numbers
    entry: Numbers
    last: Numbers
    units: Counts
    bought: Counts
    paid: Numbers
    out: Counts
    opened: Counts
    traded: Counts
    ranked: Counts


class Desk(NamedTuple):
    """Room for the work of one session, by symbol: verdicts, and the orders that follow from them.

    A session begins with `no_verdict`, `no_weight`, `nothing` and `in_turn`: each is copied whole, which plain Python
    does quicker than it writes one symbol after the other.
    """

    verdict: Counts
    weight: Numbers
    number: Counts
    word: Counts
    sequence: Counts
    chosen: Counts
    wanted: Counts
    signed: Counts
    orders: Counts
    no_verdict: Counts
    no_weight: Numbers
    nothing: Counts
    in_turn: Counts
    now: Numbers
    gap: Numbers


class Room(NamedTuple):
    """What was played: equity per session, orders as filled with price and commission."""

    equity: Numbers
    holds: Mask
    orders: Counts
    fills: Numbers
