"""What every use case of the trading day works with: settings and the outside world, built by wiring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from mtum.config import Settings
from mtum.core.portfolio.sleeves import Sleeve, series_of, symbols_of
from mtum.errors import ExitCode, UsageError, worst
from mtum.ports.broker import Broker
from mtum.ports.market_data import BarSource
from mtum.ports.store import Store
from mtum.ports.time import Calendar, Clock, Journal

if TYPE_CHECKING:
    from mtum.ports.messages import Message
    from mtum.ports.options import ChainSource  # loads the pricing of options


class Provenance(Struct, frozen=True):
    """Which code decided: version, hash of the core's source, versions of the libraries it uses."""

    code_version: str
    code_hash: str
    libraries: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Desk:
    """Everything a use case may touch.

    Parameters
    ----------
    account : str
        Account that is traded.
    second : BarSource or None
        Source that must agree, where one is set.
    vix_fallback : BarSource or None
        Source asked for the VIX when neither of the others has one.
    replayed : bool
        Whether market time is simulated, so that waiting costs nothing.
    told : sequence of str
        What the files of its sources gave to know as they were read: layouts, columns not read.
    chains : ChainSource or None
        Where chains of options come from; None where no sleeve trades options.
    """

    settings: Settings
    account: str
    data_dir: Path
    store: Store
    broker: Broker
    source: BarSource
    calendar: Calendar
    clock: Clock
    journal: Journal
    provenance: Provenance
    second: BarSource | None = None
    vix_fallback: BarSource | None = None
    replayed: bool = False
    told: Sequence[str] = ()
    chains: "ChainSource | None" = None
    sleeves: tuple[Sleeve, ...] = field(init=False)
    """What the account is made of, in the order of the settings."""

    def __post_init__(self) -> None:
        # Asked for many times in a session; the settings do not change under a desk.
        object.__setattr__(self, "sleeves", self.settings.sleeves())

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol that a sleeve may hold."""
        return symbols_of(self.sleeves)

    @property
    def series(self) -> tuple[str, ...]:
        """Every extra series that a sleeve asks for."""
        return series_of(self.sleeves)

    @property
    def names(self) -> str:
        """The sleeves' names in words."""
        return ", ".join(sleeve.name for sleeve in self.sleeves)

    @property
    def deciding(self) -> tuple[Sleeve, ...]:
        """The sleeves that are asked in a session."""
        return tuple(sleeve for sleeve in self.sleeves if sleeve.decides)

    def needed(self, symbol: str) -> int:
        """Return how many bars of a symbol the sleeve with the longest history asks for, today's included."""
        asking = [sleeve for sleeve in self.sleeves if symbol in sleeve.looks_at]
        return max((sleeve.strategy.history_sessions() for sleeve in asking), default=1)

    def owner_of(self, symbol: str) -> Sleeve:
        """Return the first sleeve that may hold a symbol, the first of all if none may."""
        owning = [sleeve for sleeve in self.sleeves if sleeve.owns_money and symbol in sleeve.symbols]
        return owning[0] if owning else self.sleeves[0]

    def sleeve_of(self, symbol: str, name: str | None = None) -> Sleeve:
        """Return whose the shares of a symbol are: the sleeve of that name, else the only one that trades it.

        Raises
        ------
        UsageError
            If there is no such sleeve, or several trade the symbol and none is named.
        """
        trading = [sleeve.name for sleeve in self.sleeves if sleeve.owns_money and symbol in sleeve.symbols]
        if name is None and len(trading) > 1:
            raise UsageError(
                f"{symbol} is traded by {', '.join(trading)}: say whose the shares are with --strategy NAME"
            )
        named = next((sleeve for sleeve in self.sleeves if sleeve.name == name), None)
        if name is not None and named is None:
            raise UsageError(f"{name} does not run here; the strategy is {self.names}")
        return named or self.owner_of(symbol)

    def place(self, sleeve: Sleeve, symbol: str = "") -> str:
        """Return how a person names a sleeve, or its symbol: a sleeve with all the money needs no name beside it."""
        if symbol and sleeve.weight == 1:
            return symbol
        return f"{sleeve.name}/{symbol}" if symbol else sleeve.name

    def decided(self, day: date) -> bool:
        """Return whether a session is decided: all its sleeves are, together."""
        return any(self.store.decisions.decided(day, sleeve.name) for sleeve in self.sleeves)


class Problem(Struct, frozen=True):
    """Something that went wrong: the exit code it means and one line for a person."""

    exit_code: ExitCode
    text: str

    def document(self) -> dict[str, object]:
        """Return the problem as plain JSON values."""
        return {"code": int(self.exit_code), "text": self.text}


def exit_code_of(problems: tuple[Problem, ...]) -> ExitCode:
    """Return the exit code that wins over these problems."""
    return worst(problem.exit_code for problem in problems)


class RunResult(Struct, frozen=True):
    """How a run ended: the document for `--json`, the exit code, and the messages that leave with the next flush."""

    document: dict[str, Any] = msgspec.field(default_factory=dict)
    exit_code: ExitCode = ExitCode.DONE
    messages: "tuple[Message, ...]" = ()
