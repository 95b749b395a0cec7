"""What every use case of the trading day works with: settings and the outside world, built by wiring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtum.config import Settings
from mtum.core.portfolio.sleeves import Sleeve, series_of, symbols_of
from mtum.core.strategies.contract import Strategy
from mtum.errors import ExitCode, worst
from mtum.ports.broker import Broker
from mtum.ports.market_data import BarSource
from mtum.ports.store import Store
from mtum.ports.time import Calendar, Clock, Journal


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which code decided: version, hash of the core's source, versions of the libraries it uses."""

    code_version: str
    code_hash: str
    libraries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
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

    @property
    def sleeves(self) -> tuple[Sleeve, ...]:
        """What the account is made of, in the order of the settings."""
        return self.settings.sleeves()

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol that a sleeve may hold."""
        return symbols_of(self.sleeves)

    @property
    def series(self) -> tuple[str, ...]:
        """Every extra series that a sleeve asks for."""
        return series_of(self.sleeves)

    @property
    def strategy(self) -> Strategy:
        """The strategy the daily job runs."""
        return self.settings.active_strategy()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong: the exit code it means and one line for a person."""

    exit_code: ExitCode
    text: str

    def document(self) -> dict[str, object]:
        """Return the problem as plain JSON values."""
        return {"code": int(self.exit_code), "text": self.text}


def exit_code_of(problems: tuple[Problem, ...]) -> ExitCode:
    """Return the exit code that wins over these problems."""
    return worst(problem.exit_code for problem in problems)
