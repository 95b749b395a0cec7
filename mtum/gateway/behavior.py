"""How the practice gateway behaves where real ones differ, and what permissions its login has."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import Enum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from mtum.core.portfolio.gate import PRACTICE_FARM
from mtum.core.simulation.admission import LatePolicy
from mtum.gateway.given import Amount, Seconds, Switch, Whole, read

VERSIONS = (157, 178)
"""Oldest and newest server version that is spoken here."""


class EmptyFilter(Enum):
    """What an execution request without client id returns."""

    ALL = "all"
    OWN = "own"
    NOTHING = "nothing"
    SILENT = "silent"


class BarOrder(Enum):
    """In which order daily history comes."""

    RISING = "rising"
    BACKWARD = "backward"
    TWICE = "twice"
    """The last finished day comes twice, alike."""
    APART = "apart"
    """The last finished day comes twice, with two closes."""


class Login(Enum):
    """What happens after the greeting."""

    NORMAL = "normal"
    SILENT = "silent"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Behavior:
    """Switches of the gateway; all may be changed while it runs.

    Parameters
    ----------
    resting_status : str
        Status of a working on-close order: PreSubmitted or Submitted.
    perm_id_late : bool
        The first echo of a new order carries permanent id 0.
    executions_first : bool
        Executions in options that fill at once come before the order itself.
    inactive_echo : bool
        A rejected order is also shown with status Inactive.
    no_data, delayed, no_dividends : tuple of str
        Symbols without permission, with delayed quotes only, or whose dividends are not told with a quote.
    halted : tuple of str
        Symbols in which trading is halted: the quote says so, and has no bid and no ask.
    no_option_data, stale_options, no_greeks : tuple of str
        Underlyings without permission for their options, whose options are shown at the last close's quotes without
        a word, or whose greeks never come (with `greeks_seconds`).
    greeks_seconds : float
        Real seconds after a quote until its greeks; before, each says "not available".
    option_level : int
        Permission for options, 1 to 4.
    fill_reach : Decimal
        Part of the way from the middle to the far side at which an order in options fills.
    book_trades : bool
        What a night did to options is listed as executions too, without an order, of no one, options at a price of 0:
        nobody has seen whether a real gateway does.
    doubled_chains : tuple of str
        Underlyings whose chain has the row to take twice.
    data_lines : int
        Quotes that all clients together may have at once; a further one is refused with 101.
    quote_seconds, history_seconds : float
        Real seconds that a quote asked once and an answer of the history service take.
    ledger_prefix : bool
        Per-currency account keys begin with `$LEDGER-`.
    base_currency, base_rate, base_cash : str, Decimal, Decimal
        Currency of the account, USD per unit of it, and cash held in it (for other than USD).
    commission_seconds : float
        Real seconds between a fill and its fee report.
    ready_seconds : float
        Real seconds after a login until the account's values are known: before, AccountReady is false and
        every amount 0.
    bar_order : BarOrder
        In which order daily history comes.
    farm : str
        Data farm named after a login; with another name it passes for a real gateway.
    next_order_id : int
        Announced at login instead of the next free one; 0 = the next free one.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    server_version: Annotated[int, Field(ge=VERSIONS[0], le=VERSIONS[1])] = 178
    login: Login = Login.NORMAL
    read_only: Switch = False
    resting_status: str = "PreSubmitted"
    perm_id_late: Switch = False
    executions_first: Switch = False
    inactive_echo: Switch = False
    no_data: tuple[str, ...] = ()
    delayed: tuple[str, ...] = ()
    no_dividends: tuple[str, ...] = ()
    halted: tuple[str, ...] = ()
    no_option_data: tuple[str, ...] = ()
    stale_options: tuple[str, ...] = ()
    no_greeks: tuple[str, ...] = ()
    greeks_seconds: Seconds = 0.0
    option_level: Annotated[int, Field(ge=1, le=4)] = 3
    fill_reach: Annotated[Amount, Field(ge=0, le=1)] = Decimal("0.5")
    book_trades: Switch = False
    doubled_chains: tuple[str, ...] = ()
    data_lines: Whole = 100
    quote_seconds: Seconds = 0.0
    history_seconds: Seconds = 0.0
    empty_filter: EmptyFilter = EmptyFilter.ALL
    naive_times: Switch = False
    ledger_prefix: Switch = False
    base_currency: str = "USD"
    base_rate: Annotated[Amount, Field(gt=0)] = Decimal(1)
    base_cash: Amount = Decimal(0)
    commission_seconds: Seconds = 0.1
    master_client_id: Whole = -1
    farm: str = PRACTICE_FARM
    next_order_id: Whole = 0
    ready_seconds: Seconds = 0.0
    bar_order: BarOrder = BarOrder.RISING
    late_on_close: LatePolicy = LatePolicy.REJECT
    after_close: LatePolicy = LatePolicy.NEXT_SESSION


def changed(behavior: Behavior, changes: Mapping[str, object]) -> Behavior:
    """Return the behavior with some switches changed, values as in JSON.

    Raises
    ------
    ValueError
        If a switch is unknown or its value of the wrong kind.
    """
    return read(Behavior, {**asdict(behavior), **changes})
