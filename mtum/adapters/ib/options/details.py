"""Which contracts the broker lists, as it describes them today, and the steps of their prices."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from mtum.adapters.ib.contracts import UNKNOWN_CONTRACT, Contracts
from mtum.adapters.ib.messages import Contract, ContractDetails, MarketRule, OptionClass
from mtum.adapters.ib.options.asked import classes_of, price_steps
from mtum.adapters.ib.requests import Request, RequestRefusedError, contract_details
from mtum.core.market.instruments import Right
from mtum.core.options.contracts import CLASSES, Delivery, Listing, OptionContract, Style
from mtum.core.options.ladder import tick_at
from mtum.core.options.legs import OptionLeg
from mtum.core.portfolio.options.gate_facts import Detail
from mtum.errors import BrokerUnavailableError, DataError, SourceUnavailableError

SMART = "SMART"
PENNY = Decimal("0.01")
COMBINED: Mapping[str, Decimal] = {"SPX": Decimal("0.05")}
"""Step of a combination's net price by underlying, where it is not a cent."""
COARSE = ((Decimal(0), Decimal("0.05")), (Decimal(3), Decimal("0.10")))
"""Steps that every rule allows, for a contract whose own rule is not told."""
SETTLED_ALONE: Mapping[str, str] = {"VIX": "VIX"}
"""Underlyings with one class that is traded: a weekly one of the VIX is priced off another future."""

type Steps = tuple[tuple[Decimal, Decimal], ...]


class Described(Struct, frozen=True):
    """A contract as the broker describes it, and the number of the rule that its prices step by (0: not told)."""

    detail: Detail
    rule: int


class OptionContracts:
    """Contracts in options over the run's connection; each description holds for one connection and one day."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self._connector = contracts.connector
        self._of: tuple[int, date | None] = (0, None)
        self._described: dict[int, Described] = {}
        self._listed: dict[tuple[str, str, Right], tuple[Described, ...]] = {}
        self._classes: dict[str, Mapping[str, tuple[date, ...]]] = {}
        self._steps: dict[int, Steps] = {}

    def wire(self, contract: OptionContract) -> Contract:
        """Return a contract as the library sends it: the broker refuses a number beside the facts of another."""
        return self._connector.library.contract(
            conId=contract.con_id,
            symbol=contract.underlying,
            secType="OPT",
            lastTradeDateOrContractMonth=f"{contract.expiry:%Y%m%d}",
            strike=float(contract.strike),
            right=contract.right.value,
            multiplier=str(contract.multiplier),
            exchange=SMART,
            currency=contract.currency,
            tradingClass=contract.trading_class,
        )

    def details(self, numbers: Iterable[int], *, fresh: bool = True) -> dict[int, Detail]:
        """Return the descriptions of contracts by the broker's number; without those that it does not know.

        Parameters
        ----------
        fresh : bool
            Whether those described over this connection today are asked again.

        Raises
        ------
        BrokerUnavailableError
            If the broker does not answer: not the same as that it knows no such contract.
        """
        self._forget()
        wanted = sorted({one for one in numbers if fresh or one not in self._described})
        asked = [contract_details(self._connector.library.contract(conId=number, exchange=SMART)) for number in wanted]
        for number, answer in zip(wanted, self._connector.try_ask(*asked) if asked else (), strict=True):
            if isinstance(answer, RequestRefusedError) and answer.code == UNKNOWN_CONTRACT:
                self._described.pop(number, None)
            elif isinstance(answer, BrokerUnavailableError):
                raise answer
            else:
                for told in answer:
                    self._keep(told)
        return {number: self._described[number].detail for number in numbers if number in self._described}

    def classes(self, underlying: str) -> Mapping[str, tuple[date, ...]]:
        """Return the expiries of each class that may be traded; the strikes of this answer are a union and not used.

        Raises
        ------
        SourceUnavailableError
            If no class may be traded, or one is listed twice.
        """
        self._forget()
        if underlying not in self._classes:
            known = self._contracts.contract(underlying)
            rows: list[OptionClass] = self._connector.ask(classes_of(underlying, known.secType, int(known.conId)))
            self._classes[underlying] = classes_in(underlying, int(known.conId), rows)
        return self._classes[underlying]

    def listed(self, underlying: str, wanted: Collection[tuple[str, date, Right]]) -> dict[int, Described]:
        """Return every contract that is listed for class, day and right: the only proof that a strike exists.

        Parameters
        ----------
        wanted : collection of (class, day, right)
            Days as `classes` returned them.
        """
        self._forget()
        missing = [one for one in sorted(wanted, key=str) if (one[0], f"{one[1]:%Y%m%d}", one[2]) not in self._listed]
        asked = [self._by_expiry(underlying, *one) for one in missing]
        for (name, day, right), answer in zip(missing, self._connector.try_ask(*asked) if asked else (), strict=True):
            found: list[Described] = []
            unknown = isinstance(answer, RequestRefusedError) and answer.code == UNKNOWN_CONTRACT
            if isinstance(answer, BrokerUnavailableError) and not unknown:
                raise SourceUnavailableError(f"{underlying}: {answer}") from answer
            for told in answer if isinstance(answer, list) else ():
                kept = self._keep(told)
                if kept is not None and kept.detail.listing.refused is None and kept.detail.contract.right is right:
                    found.append(kept)
            self._listed[name, f"{day:%Y%m%d}", right] = tuple(found)
        return {
            one.detail.contract.con_id: one
            for name, day, right in wanted
            for one in self._listed[name, f"{day:%Y%m%d}", right]
        }

    def tick(self, legs: Sequence[OptionLeg], price: Decimal) -> Decimal:
        """Return the step of an order's net price at a price, USD; details of a combination are never asked."""
        if len(legs) > 1:
            return COMBINED.get(legs[0].contract.underlying, PENNY)
        number = legs[0].contract.con_id
        self.details([number], fresh=False)
        known = self._described.get(number)
        return tick_at(self._steps_of(known.rule) if known is not None and known.rule else COARSE, price)

    def _steps_of(self, rule: int) -> Steps:
        if rule not in self._steps:
            answer = self._connector.try_ask(price_steps(rule))[0]
            told = [] if isinstance(answer, BrokerUnavailableError) else answer
            self._steps[rule] = steps_of(next((one for one in told if one.number == rule), None))
        return self._steps[rule]

    def _by_expiry(self, underlying: str, name: str, day: date, right: Right) -> Request[ContractDetails]:
        return contract_details(
            self._connector.library.contract(
                symbol=underlying,
                secType="OPT",
                lastTradeDateOrContractMonth=f"{day:%Y%m%d}",
                right=right.value,
                multiplier="100",
                exchange=SMART,
                currency="USD",
                tradingClass=name,
            )
        )

    def _keep(self, told: ContractDetails) -> Described | None:
        try:
            found = described(told.details)
        except DataError:
            return None
        if found.detail.listing.exchange == SMART:
            self._described[found.detail.contract.con_id] = found
        return found

    def _forget(self) -> None:
        of = (self._connector.connections, self._connector.today)
        if of != self._of:
            self._of = of
            for known in (self._described, self._listed, self._classes, self._steps):
                known.clear()


def classes_in(underlying: str, number: int, rows: Iterable[OptionClass]) -> dict[str, tuple[date, ...]]:
    """Return the expiries of each class that may be traded, of the rows of all exchanges.

    Parameters
    ----------
    underlying : str
        Ticker of the underlying.
    number : int
        The broker's number of the underlying.
    rows : iterable of OptionClass
        Rows of every exchange.

    Raises
    ------
    SourceUnavailableError
        If no class may be traded, or one is listed twice.
    """
    alone = SETTLED_ALONE.get(underlying)
    found: dict[str, list[tuple[date, ...]]] = {}
    seen = []
    for row in rows:
        # The number of the underlying is text in this answer, of whatever library.
        if str(row.underlying) != str(number):
            continue
        listing = Listing(underlying, str(row.exchange), str(row.trading_class), str(row.multiplier))
        seen.append(listing.trading_class)
        if listing.refused is None and alone in (None, listing.trading_class):
            days = tuple(sorted(day for text in row.expiries if (day := day_of(text)) is not None))
            found.setdefault(listing.trading_class, []).append(days)
    if not found:
        listed = ", ".join(sorted(set(seen))) or "none"
        raise SourceUnavailableError(f"{underlying}: the broker lists no class of options to trade; listed: {listed}")
    doubled = [name for name, expiries in found.items() if len(expiries) > 1]
    if doubled:
        raise SourceUnavailableError(
            f"{underlying}: the broker lists class {', '.join(doubled)} more than once; none of its rows is believed"
        )
    return {name: expiries[0] for name, expiries in found.items()}


def described(told: Any) -> Described:
    """Return a contract as the broker's details describe it.

    Raises
    ------
    DataError
        If a field makes no sense.
    """
    detail = detail_of(told.contract, str(told.realExpirationDate or ""))
    venues, rules = (str(text or "").split(",") for text in (told.validExchanges, told.marketRuleIds))
    at_smart = next((rule for venue, rule in zip(venues, rules, strict=False) if venue == SMART), "")
    return Described(detail, int(at_smart) if at_smart.isdigit() else 0)


def detail_of(contract: Any, settles: str = "") -> Detail:
    """Return contract and listing of a contract of the wire.

    Parameters
    ----------
    settles : str
        Day that settles it where the broker tells; otherwise its last day of trade.

    Raises
    ------
    DataError
        If a field makes no sense.
    """
    symbol, name = str(contract.symbol), str(contract.tradingClass or contract.symbol)
    last = day_of(str(contract.lastTradeDateOrContractMonth))
    try:
        if last is None or contract.secType != "OPT":
            raise ValueError(f"{contract.secType} to {contract.lastTradeDateOrContractMonth!r}")
        kind = CLASSES.get(symbol, {}).get(name)
        found = OptionContract(
            con_id=int(contract.conId),
            underlying=symbol,
            right=Right(str(contract.right)[:1].upper()),
            strike=number_of(contract.strike),
            expiry=last,
            settles=day_of(settles) or last,
            trading_class=name,
            style=kind.style if kind else Style.AMERICAN,
            delivery=kind.delivery if kind else Delivery.SHARES,
            multiplier=int(number_of(contract.multiplier)),
            currency=str(contract.currency),
        )
    except (ValueError, InvalidOperation) as error:
        raise DataError(f"{symbol}: the broker's option {contract.conId} cannot be read: {error}") from error
    exchange, local = str(contract.exchange or SMART), str(contract.localSymbol or "")
    return Detail(found, Listing(symbol, exchange, name, str(found.multiplier), found.currency, local))


def day_of(text: str) -> date | None:
    """Return a day of the wire, which may carry time and zone; None where there is none."""
    try:
        return datetime.strptime(text[:8], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def number_of(told: object) -> Decimal:
    """Return a number of the wire as it is written: 740.0 is 740."""
    found = Decimal(str(told))
    whole = found.to_integral_value()
    return whole if whole == found else found


def steps_of(rule: MarketRule | None) -> Steps:
    """Return the steps of a rule, lowest first; those that every rule allows where it is missing or makes no sense."""
    told = [] if rule is None else [(number_of(one.lowEdge), number_of(one.increment)) for one in rule.steps]
    found = tuple(sorted(told))
    return found if found and found[0][0] <= 0 and all(step > 0 for _, step in found) else COARSE
