"""Options in the broker's words: positions, orders and executions become values of ours, or are named as strange."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from mtum.adapters.brokers.ib.account import ZERO, amount, is_us_share, other_instrument, shown
from mtum.adapters.brokers.ib.orders import EXECUTION_ID, SIDES, STATUS, OpenListing
from mtum.adapters.ib.messages import CompletedOrder, ExecutionDetails, Fee, Position
from mtum.adapters.ib.options.details import detail_of
from mtum.core.options.contracts import CLASSES, Delivery, OptionContract
from mtum.core.options.ladder import NetPrice
from mtum.core.options.legs import OptionLeg
from mtum.core.portfolio.fills import stem_of
from mtum.core.portfolio.options.gate_facts import Detail
from mtum.core.portfolio.options.orders import OptionIntent, WorkingOrder
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.core.portfolio.reconcile import OUR_REF
from mtum.errors import DataError
from mtum.ports.options import LegExecution

OPTION, COMBINATION = "OPT", "BAG"
HALF_A_CENT = Decimal("0.005")
"""Per leg, what the prices of the legs of a combination may be off its own price."""


class Reading(Struct):
    """What one reading of the broker's lists says of options.

    Parameters
    ----------
    account : str
        Ours: other accounts of the login are left out.
    client_id : int
        Ours.
    known : mapping of int to OptionContract
        By the broker's number: of our books, and as the broker describes them today.
    details : mapping of int to Detail
        As the broker describes them today.
    ordered : callable
        Returns the intent of a reference of ours, None for one that our books do not know.
    unknown : list of str
        What no contract describes, in words that begin with its underlying.
    unread : list of str
        What contradicts itself or our orders: nothing of it is believed.
    """

    account: str
    client_id: int
    known: Mapping[int, OptionContract]
    details: Mapping[int, Detail]
    ordered: Callable[[str], OptionIntent | None]
    unknown: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def positions(self, held: Iterable[Position]) -> dict[OptionContract, int]:
        """Return the account's options, negative for those sold; what is no option and no share is named."""
        found: dict[OptionContract, int] = {}
        for one in held:
            if one.account != self.account or is_us_share(one.contract):
                continue
            quantity = amount(one.shares)
            if quantity == 0:
                continue
            contract = self._contract(one.contract)
            if contract is None or quantity is None or quantity != int(quantity):
                self.unknown.append(other_instrument(one.contract, quantity or ZERO).name)
                continue
            found[contract] = int(quantity)
            detail = self.details.get(contract.con_id)
            if detail is not None and detail.listing.refused is not None:
                self.unknown.append(f"{contract.underlying}: {contract.words}: {detail.listing.refused}")
        return found

    def working(self, listed: Iterable[OpenListing]) -> tuple[WorkingOrder, ...]:
        """Return the orders of everybody that may still fill, in options and in shares."""
        found = []
        for row in listed:
            status = STATUS.get(row.word)
            if status in (OrderStatus.CANCELED, OrderStatus.FILLED):
                continue
            ref, symbol = str(row.order.orderRef or ""), str(row.contract.symbol)
            left = max(0, shown(row.order.totalQuantity) - row.filled)
            side = SIDES.get(str(row.order.action))
            if is_us_share(row.contract) and side is not None:
                shares = left if side is Side.BUY else -left
                found.append(WorkingOrder(ref, symbol, shares=shares, unresolved=status is None))
                continue
            legs = self._legs(row.contract, side)
            if not legs:
                name = other_instrument(row.contract, Decimal(left)).name
                self.unknown.append(f"{name} (order {ref})" if ref else f"{name} (order)")
                continue
            found.append(WorkingOrder(ref, symbol, left, legs, _net(row.order, side), unresolved=status is None))
        return tuple(found)

    def completed(self, told: Iterable[CompletedOrder]) -> dict[str, OrderStatus]:
        """Return how our orders in options that ended today did, by reference."""
        found = {}
        for contract, order, state in told:
            ref = str(order.orderRef or "")
            mine = str(order.account or "") in ("", self.account) and OUR_REF.match(ref)
            if mine and contract.secType in (OPTION, COMBINATION):
                found[ref] = STATUS.get(str(state.status), OrderStatus.UNKNOWN)
        return found

    def fills(
        self, answers: Iterable[Iterable[ExecutionDetails]], fees: Mapping[str, Fee], listed: Sequence[OpenListing]
    ) -> tuple[LegExecution, ...]:
        """Return today's executions in options; of one that was corrected the last word.

        One with a reference of ours is accepted with a number of an order of this client, and in a contract of that
        very order. Records of a combination as a whole are told beside its legs, and checked against them.

        Parameters
        ----------
        answers : iterable of iterable of ExecutionDetails
            Executions, as each question was answered.
        fees : mapping of str to Fee
            Fees heard so far by execution id, USD.
        listed : sequence of OpenListing
            Open orders, as the broker lists them.
        """
        found: dict[str, LegExecution] = {}
        numbers: dict[str, set[int]] = {}
        for row in listed:
            numbers.setdefault(str(row.order.orderRef or ""), set()).add(shown(row.order.orderId))
        # Two filters tell of one execution.
        heard = {(str(one.execution.execId), shown(one.contract.conId)): one for answer in answers for one in answer}
        for one in heard.values():
            if one.contract.secType not in (OPTION, COMBINATION) or one.execution.acctNumber != self.account:
                continue
            fill = self._fill(one.contract, one.execution, fees, numbers)
            stem = stem_of(str(one.execution.execId))
            if fill is not None and (stem not in found or found[stem].exec_id <= fill.exec_id):
                found[stem] = fill
        self._weigh(found.values())
        return tuple(found.values())

    def _fill(
        self, contract: Any, execution: Any, fees: Mapping[str, Fee], numbers: Mapping[str, set[int]]
    ) -> LegExecution | None:
        ref = str(execution.orderRef or "")
        combined = contract.secType == COMBINATION
        leg = None if combined else self._contract(contract)
        side, number, price = SIDES.get(str(execution.side)), amount(execution.shares), amount(execution.price)
        told = (
            f"{contract.symbol} {execution.side} {execution.shares} at {execution.price} in contract "
            f"{contract.conId}, execution {execution.execId}, reference {ref!r}, order {execution.orderId} of client "
            f"{execution.clientId}"
        )
        sound = side is not None and number is not None and number > 0 and number == int(number) and price is not None
        if not sound or (leg is None and not combined) or side is None or number is None or price is None:
            (self.unread if OUR_REF.match(ref) else self.unknown).append(told)
            return None
        if OUR_REF.match(ref) and (why := self._strange(contract, execution, ref, numbers)):
            self.unread.append(f"{told}: {why}")
            return None
        fee = fees.get(str(execution.execId))
        paid = amount(fee.commission) if fee is not None and fee.currency in ("", "USD") else None
        return LegExecution(
            exec_id=str(execution.execId),
            ref=ref,
            account=str(execution.acctNumber),
            contract=leg,
            quantity=int(number) if side is Side.BUY else -int(number),
            price=price,
            instant=execution.time,
            fee_usd=paid,
            combo=combined,
        )

    def _strange(self, contract: Any, execution: Any, ref: str, numbers: Mapping[str, set[int]]) -> str:
        # Book entries of the night carry no number, and a library hangs them on any order that has none yet.
        if shown(execution.orderId) <= 0 or shown(execution.permId) <= 0:
            return "it names no order"
        if shown(execution.clientId) != self.client_id:
            return f"this program is client {self.client_id}"
        if ref in numbers and shown(execution.orderId) not in numbers[ref]:
            return f"the order is {', '.join(map(str, sorted(numbers[ref])))}"
        if EXECUTION_ID.fullmatch(str(execution.execId)) is None:
            return "its number is none of an execution"
        intent = self.ordered(ref)
        if intent is None or (contract.secType == COMBINATION and len(intent.legs) > 1):
            return ""
        mine = {leg.contract.con_id: leg.side for leg in intent.legs}
        if mine.get(shown(contract.conId)) is not SIDES.get(str(execution.side)):
            return "no leg of that order"
        return ""

    def _weigh(self, fills: Iterable[LegExecution]) -> None:
        by_ref: dict[str, list[LegExecution]] = {}
        for fill in fills:
            if fill.ref:
                by_ref.setdefault(fill.ref, []).append(fill)
        for ref, some in by_ref.items():
            whole = [one for one in some if one.combo]
            legs = [one for one in some if not one.combo]
            if not whole or not legs:
                continue
            apart = sum((one.quantity * one.price for one in legs), ZERO)
            together = sum((one.quantity * one.price for one in whole), ZERO)
            if abs(apart - together) > HALF_A_CENT * sum(abs(one.quantity) for one in legs):
                self.unread.append(f"{ref}: the legs come to {apart} USD per share, the combination to {together}")

    def _contract(self, contract: Any) -> OptionContract | None:
        number = shown(contract.conId)
        if number in self.known:
            return self.known[number]
        if contract.secType != OPTION:
            return None
        # What the broker describes no more: everything is told but the day that settles a class in the morning.
        kind = CLASSES.get(str(contract.symbol), {}).get(str(contract.tradingClass))
        if kind is not None and kind.delivery is Delivery.CASH_AM:
            return None
        try:
            return detail_of(contract).contract
        except DataError:
            return None

    def _legs(self, contract: Any, side: Side | None) -> tuple[OptionLeg, ...]:
        if side is None:
            return ()
        if contract.secType == OPTION:
            one = self._contract(contract)
            return () if one is None else (OptionLeg(one, side),)
        found = []
        for leg in contract.comboLegs or () if contract.secType == COMBINATION else ():
            one, way = self.known.get(shown(leg.conId)), SIDES.get(str(leg.action))
            if one is None or way is None:
                return ()
            # A combination that is sold turns every leg around.
            turned = way if side is Side.BUY else Side.SELL if way is Side.BUY else Side.BUY
            found.append(OptionLeg(one, turned, max(1, shown(leg.ratio))))
        return tuple(found)


def numbers_told(
    held: Iterable[Position],
    listed: Iterable[OpenListing],
    answers: Iterable[Iterable[ExecutionDetails]],
    account: str,
) -> set[int]:
    """Return the broker's numbers of all options that a reading of its lists speaks of.

    Parameters
    ----------
    held : iterable of Position
        What the broker lists as held.
    listed : iterable of OpenListing
        Open orders, as the broker lists them.
    answers : iterable of iterable of ExecutionDetails
        Executions, as each question was answered.
    account : str
        Code of the account.
    """
    contracts: list[Any] = [one.contract for one in held if one.account == account and amount(one.shares) != 0]
    contracts += [row.contract for row in listed]
    contracts += [one.contract for answer in answers for one in answer if one.execution.acctNumber == account]
    found = {shown(one.conId) for one in contracts if one.secType == OPTION}
    found |= {shown(leg.conId) for one in contracts if one.secType == COMBINATION for leg in one.comboLegs or ()}
    return {number for number in found if number > 0}


def _net(order: Any, side: Side | None) -> NetPrice | None:
    # Only a limit tells what an order may cost at most; -1.20 for a purchase and 1.20 for a sale are the same credit.
    told = amount(getattr(order, "lmtPrice", "")) if str(order.orderType) == "LMT" else None
    return None if told is None else NetPrice(told if side is Side.BUY else -told)
