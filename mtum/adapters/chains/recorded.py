"""The source of chains in `[market] chain_dir`: a folder of recorded ones, by underlying and session."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from itertools import chain as joined
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

from msgspec import Struct

from mtum.core.market.instruments import Right
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import Chain, Quote, Row
from mtum.core.options.contracts import CLASSES, Delivery, OptionContract, Style, root_of
from mtum.core.options.model.listing import number_of
from mtum.core.options.model.quotes import ModelChain
from mtum.errors import DataError
from mtum.ports.options import ModelledChains
from mtum.ports.time import Calendar

NAMES: Mapping[str, tuple[str, ...]] = {
    "date": ("date", "quote_date", "session"),
    "expiry": ("expiry", "expiration"),
    "strike": ("strike",),
    "right": ("right", "side", "type"),
    "bid": ("bid",),
    "ask": ("ask",),
    "open interest": ("open interest", "open_interest"),
    "iv": ("iv", "implied_volatility"),
}
"""Columns that a file has, and the names that each may have."""
SPARE: Mapping[str, tuple[str, ...]] = {
    "underlying": ("underlying",),
    "spot": ("spot", "underlying_price"),
    "symbol": ("symbol", "local_symbol"),
    "seen": ("snapshot_at",),
}
"""Columns that a file may have beside them; `seen` may stand for the date."""
LEVEL_DAYS = 7, 30
"""Calendar days to expiry of the options that tell a day's implied volatility: at least, and as near as there are."""
BEFORE_CLOSE = timedelta(minutes=20)
"""Before a session's close, when what it is ranked by is seen."""
RECORDED = "recorded"
"""What figures of recorded chains alone are called."""
_KINDS = (".csv", ".parquet")
_RIGHTS = {"c": Right.CALL, "call": Right.CALL, "p": Right.PUT, "put": Right.PUT}
_NEW_YORK = ZoneInfo("America/New_York")
_NOTHING = ("", "nan", "none", "null")
_HASHED_FROM, _HASHED = 56 * 10**17, 36 * 10**17
"""Numbers of contracts that the model's market cannot have: strikes that are no multiple of half a dollar."""


class _Recorded(Struct, frozen=True):
    # One chain: `seen` is None where the file tells the date alone, `level` its implied volatility in points.
    underlying: str
    day: date
    spot: float | None
    seen: datetime | None
    rows: tuple[tuple[OptionContract, float | None, float | None, int | None], ...]
    level: float | None


@dataclass(slots=True)
class RecordedChains:
    """Chains as they were recorded (ports.options.ChainSource, TellsVolatility); those of other days are the model's.

    A file holds one underlying, named before the first `_`, `-` or `.` of its name, or several where it has a column
    `underlying`. Each file is read once.

    Parameters
    ----------
    rate : float
        Continuous interest a year, as a fraction.
    otherwise : ModelledChains or None
        Who is asked for a day that the folder has not; None refuses it.
    """

    folder: Path
    calendar: Calendar
    rate: float
    otherwise: ModelledChains | None = None
    _known: dict[tuple[str, date], list[_Recorded]] | None = field(default=None, init=False, repr=False)

    @property
    def name(self) -> str:
        """The folder, and who is asked beside it."""
        return f"recorded in {self.folder}" + (f", else {self.otherwise.name}" if self.otherwise else "")

    @property
    def model_priced(self) -> bool:
        """Whether a figure may be the model's: recorded and modelled days are never told apart in a sum."""
        return self.otherwise is not None and self.otherwise.model_priced

    def chain(self, request: ChainRequest, spot: float, at: datetime) -> Chain:
        """Return what was recorded of a request: the last chain of the session that was seen by then, or its only one.

        Raises
        ------
        DataError
            If a file of the folder cannot be read, naming it and its line, or nobody has the chain.
        """
        return self.quoted(request, spot, at).chain

    def quoted(self, request: ChainRequest, spot: float, at: datetime) -> ModelChain:
        """Return the chain with the middles of its quotes and what a reader has to know of it; see `chain`."""
        day = at.astimezone(_NEW_YORK).date()
        found = self._read().get((request.underlying, day), [])
        if not found:
            if self.otherwise is None:
                raise DataError(f"{request.underlying}: no chain of {day} in {self.folder}")
            return self.otherwise.quoted(request, spot, at)
        told = [one for one in found if one.seen is None or one.seen <= at] or found[:1]
        chain = _answer(told[-1], request, spot, at, self.rate)
        mids = {row.contract.con_id: row.quote.mid for row in chain.rows if row.quote.mid is not None}
        return ModelChain(chain, 0.0, RECORDED, (f"chains recorded in {self.folder.name}",), mids, {})

    def volatility(self, symbol: str, first: date, last: date) -> Mapping[date, float]:
        """Return the implied volatility of each recorded session in points: at the money, 30 days to expiry.

        Parameters
        ----------
        symbol : str
            Underlying.
        first, last : date
            The closed interval of sessions.
        """
        found = {}
        for session in self.calendar.sessions(first, last):
            chains = self._read().get((symbol, session.day), [])
            seen = [one for one in chains if one.seen is None or one.seen <= session.close - BEFORE_CLOSE] or chains[:1]
            if seen and (level := seen[-1].level) is not None:
                found[session.day] = level
        return found

    def _read(self) -> Mapping[tuple[str, date], list[_Recorded]]:
        if self._known is None:
            if not self.folder.is_dir():
                raise DataError(f"{self.folder}: there is no such folder; [market] chain_dir names one with chains")
            files = sorted(one for one in self.folder.iterdir() if one.suffix in _KINDS)
            if not files:
                raise DataError(f"{self.folder}: holds no .csv and no .parquet file")
            found: dict[tuple[str, date], list[_Recorded]] = {}
            for one in sorted(joined.from_iterable(map(self._chains, files)), key=_instant):
                found.setdefault((one.underlying, one.day), []).append(one)
            self._known = found
        return self._known

    def _chains(self, file: Path) -> Iterator[_Recorded]:
        rows = _cells_of(file)
        header = next(rows, [])
        names = [name.strip().lower() for name in header]
        places = {
            meant: names.index(name)
            for meant, possible in (*NAMES.items(), *SPARE.items())
            for name in possible
            if name in names
        }
        if "seen" in places:
            places.setdefault("date", places["seen"])
        missing = [meant for meant in NAMES if meant not in places]
        if missing:
            raise DataError(f"{file}, line 1: column {', '.join(missing)} is missing; found {','.join(names)[:80]}")
        chains: dict[tuple[str, str], list[tuple[int, Sequence[str]]]] = {}
        for number, cells in enumerate(rows, start=2):
            if len(cells) != len(names):
                raise DataError(f"{file}, line {number}: {len(cells)} cells where the header has {len(names)}")
            whose = cells[places["underlying"]].strip() if "underlying" in places else _named(file)
            chains.setdefault((whose, cells[places.get("seen", places["date"])]), []).append((number, cells))
        for (whose, moment), lines in chains.items():
            yield _Reading(file, places, self.calendar).chain(whose, moment, lines)


class _Reading(Struct, frozen=True):
    file: Path
    places: Mapping[str, int]
    calendar: Calendar

    def chain(self, underlying: str, moment: str, lines: Sequence[tuple[int, Sequence[str]]]) -> _Recorded:
        number, first = lines[0]
        seen = self._seen(number, moment) if "seen" in self.places else None
        dated = self.places["date"] != self.places.get("seen")
        day = self._date(number, "date", first) if dated or seen is None else self._session_of(seen)
        spot = self._number(number, "spot", first) if "spot" in self.places else None
        rows = []
        known: dict[int, int] = {}
        volatilities: dict[OptionContract, float | None] = {}
        for line, cells in lines:
            contract = self._contract(line, underlying, cells)
            if contract is None:
                continue
            if contract.con_id in known:
                self._refuse(line, f"{contract.words} stands in line {known[contract.con_id]} already")
            known[contract.con_id] = line
            told = (self._number(line, name, cells) for name in ("bid", "ask", "open interest", "iv"))
            # Volatilities that decide on contracts are our own, from the middle; theirs tell the level of the day.
            bid, ask, open_interest, implied = told
            rows.append((contract, bid, ask, None if open_interest is None else int(open_interest)))
            volatilities[contract] = implied
        return _Recorded(underlying, day, spot, seen, tuple(rows), _level(volatilities, day, spot))

    def _contract(self, line: int, underlying: str, cells: Sequence[str]) -> OptionContract | None:
        # None for what is no listed contract of the underlying: an adjusted one has a class of its own.
        root = underlying
        if "symbol" in self.places:
            text = cells[self.places["symbol"]].strip()
            root = root_of(text) or self._refuse(line, f'symbol "{text}" is no contract')
        classes = CLASSES.get(underlying)
        if root not in (classes if classes is not None else (underlying,)):
            return None
        kind = (classes or {}).get(root)
        expiry = self._date(line, "expiry", cells)
        word = cells[self.places["right"]].strip().lower()
        if word not in _RIGHTS:
            self._refuse(line, f'right "{word}"; use C or P')
        try:
            strike = Decimal(cells[self.places["strike"]].strip()).normalize()
        except InvalidOperation:
            strike = Decimal(0)
        if not (strike.is_finite() and strike > 0):
            self._refuse(line, f'strike "{cells[self.places["strike"]]}" is no price')
        settles = expiry
        if kind is not None and kind.delivery is Delivery.CASH_AM:
            later = self.calendar.sessions(expiry, expiry + timedelta(days=10)).after(expiry)
            settles = later.day if later else expiry
        return OptionContract(
            _number(root, expiry, _RIGHTS[word], strike),
            underlying,
            _RIGHTS[word],
            strike,
            expiry,
            settles,
            root,
            kind.style if kind else Style.AMERICAN,
            kind.delivery if kind else Delivery.SHARES,
        )

    def _date(self, line: int, name: str, cells: Sequence[str]) -> date:
        text = cells[self.places[name]].strip()
        try:
            return date.fromisoformat(text)
        except ValueError:
            self._refuse(line, f'{name} "{text}" is no date; write 2026-07-10')

    def _seen(self, line: int, text: str) -> datetime:
        try:
            seen = datetime.fromisoformat(text.strip())
        except ValueError:
            self._refuse(line, f'snapshot_at "{text}" is no instant; write 2026-07-10T15:40:00-04:00')
        if seen.tzinfo is None:
            self._refuse(line, f'snapshot_at "{text}" has no zone; write 2026-07-10T15:40:00-04:00')
        return seen.astimezone(UTC)

    def _session_of(self, seen: datetime) -> date:
        # What is read at night or on a weekend was quoted in the session before.
        near = self.calendar.sessions((seen - timedelta(days=10)).date(), seen.date())
        return [one.day for one in near if one.open <= seen][-1]

    def _number(self, line: int, name: str, cells: Sequence[str]) -> float | None:
        text = cells[self.places[name]].strip()
        if text.lower() in _NOTHING:
            return None
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not 0 <= number < float("inf"):
            self._refuse(line, f'{name} "{text}" is no number from 0')
        return number

    def _refuse(self, line: int, found: str) -> NoReturn:
        raise DataError(f"{self.file}, line {line}: {found}")


def _level(told: Mapping[OptionContract, float | None], day: date, spot: float | None) -> float | None:
    # At the money, in the expiry nearest to 30 days that is a week away at least; the mean of call and put.
    known = {one: implied for one, implied in told.items() if implied and one.days_from(day) >= LEVEL_DAYS[0]}
    if spot is None or not known:
        return None
    days = min((one.days_from(day) for one in known), key=lambda count: (abs(count - LEVEL_DAYS[1]), count))
    near = [one for one in known if one.days_from(day) == days]
    strike = min((one.strike for one in near), key=lambda price: (abs(float(price) - spot), price))
    found = [known[one] for one in near if one.strike == strike]
    return round(100.0 * sum(found) / len(found), 6)


def _cells_of(file: Path) -> Iterator[Sequence[str]]:
    try:
        if file.suffix == ".csv":
            yield from csv.reader(file.read_text(encoding="utf-8-sig").splitlines())
            return
        from pyarrow import parquet  # nobody needs it who records in CSV

        table = parquet.read_table(file)
    except ImportError as error:
        raise DataError(f"{file}: reading Parquet needs the package pyarrow; install it, or record in CSV") from error
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise DataError(f"{file}: cannot be read: {str(error).splitlines()[0]}") from error
    yield table.column_names
    for cells in zip(*(column.to_pylist() for column in table.columns), strict=True):
        yield ["" if cell is None else str(cell) for cell in cells]


def _named(file: Path) -> str:
    return file.stem.replace("-", "_").replace(".", "_").partition("_")[0].upper()


def _instant(one: _Recorded) -> datetime:
    return one.seen or datetime.min.replace(tzinfo=UTC)


def _number(trading_class: str, expiry: date, right: Right, strike: Decimal) -> int:
    # The model's own number, so that a contract stays the same one on days that only the model has.
    try:
        return number_of(trading_class, expiry, right, strike)
    except ValueError:
        text = f"{trading_class} {expiry} {right.value} {strike}"
        return _HASHED_FROM + int.from_bytes(sha256(text.encode()).digest()[:8]) % _HASHED


def _answer(found: _Recorded, request: ChainRequest, spot: float, at: datetime, rate: float) -> Chain:
    # Deltas are read from the quotes: what lies outside those asked for is passed over by whoever chooses.
    first, last = request.window.first, request.window.last
    held = {one.expiry for one in request.held}
    rows = tuple(
        Row(contract, Quote(bid or None, ask or None, at), open_interest)
        for contract, bid, ask, open_interest in found.rows
        if first <= contract.days_from(found.day) <= last or (contract.expiry in held and contract.expiry >= found.day)
    )
    return Chain(request.underlying, found.day, found.spot or spot, at, rate, rows)
