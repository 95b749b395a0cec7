"""The options of one sleeve while history is played: lots, marks, and what came of them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.decide_options import OptionDecision
from mtum.core.options.chain import ReadChain, read
from mtum.core.options.legs import ClosedLot, OptionLot
from mtum.core.options.model.levels import MODEL_PRICED
from mtum.core.options.model.quotes import ModelChain
from mtum.core.portfolio.decision import Decision
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.lots import Book
from mtum.core.portfolio.options.orders import ZERO, at_work
from mtum.core.portfolio.options.own import pinned_usd, pledged_shares
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.played_options import PlayedGroup, PlayedOptionEvent, PlayedOptionOrder, PlayedOptions
from mtum.core.simulation.sleeve_ledger import SleeveLedger
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.view import MarketView


class SleeveOptions(Struct):
    """The options of one sleeve.

    Parameters
    ----------
    marks : mapping of int to Decimal
        What each contract was worth last, USD per share, by its number.
    """

    own: SleeveLedger
    strategy: OptionStrategy
    book: Book = field(default_factory=Book)
    view: MarketView | None = None
    chains: dict[str, ModelChain] = field(default_factory=dict)
    read: dict[str, ReadChain] = field(default_factory=dict)
    marks: dict[int, Decimal] = field(default_factory=dict)
    decision: OptionDecision = OptionDecision()
    orders: list[PlayedOptionOrder] = field(default_factory=list)
    events: list[PlayedOptionEvent] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    told: dict[str, None] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    held_back: Counter[str] = field(default_factory=Counter)
    unquoted: Counter[str] = field(default_factory=Counter)
    not_opened: Counter[str] = field(default_factory=Counter)
    fees_usd: Decimal = ZERO
    spread_usd: Decimal = ZERO

    @property
    def name(self) -> str:
        """Name of the sleeve, or of its strategy where it is the whole account."""
        return self.own.name or self.strategy.name

    def worth(self) -> Decimal:
        """Return what its lots are worth at the last marks, USD; below 0 for what closing them would cost."""
        return sum(
            (lot.quantity * self._mark(lot) * lot.contract.multiplier for lot in self.book.lots),
            ZERO,
        )

    def _mark(self, lot: OptionLot) -> Decimal:
        return self.marks.get(lot.contract.con_id, lot.premium)

    def quote(self, chains: Mapping[str, ModelChain]) -> None:
        """Take what is quoted in a session."""
        self.chains = dict(chains)
        self.read = {name: read(one.chain) for name, one in chains.items()}
        held = {lot.contract.con_id for lot in self.book.lots}
        for name, one in chains.items():
            self.marks |= {number: exact(one.mids[number]) for number in held if number in one.mids}
            self.labels[one.label] += 1
            if name not in self.said:  # numbers of the day stand in it: the first ones are told
                self.said.add(name)
                self.told |= dict.fromkeys(one.told)

    def book_now(self, after: Book) -> None:
        """Put a changed book in place; its cash is the sleeve's."""
        self.own.cash += after.cash_usd - self.book.cash_usd
        self.book = after
        self.tell()

    def tell(self) -> None:
        """Tell the sleeve what its options are worth, and the cash that they pin."""
        self.own.options_usd, self.own.reserved_usd = self.worth(), self.pinned_usd()

    def pinned_usd(self) -> Decimal:
        """Return the cash that its groups and the orders of its decision pin, USD."""
        return pinned_usd(self.book.lots, at_work(self.decision.intents), self.name)

    def played(self, points: float) -> PlayedOptions:
        """Return what was played."""
        return PlayedOptions(
            label=min(self.labels, default=MODEL_PRICED),  # an illustration goes before
            told=tuple(self.told),
            points=points,
            orders=tuple(self.orders),
            events=tuple(self.events),
            groups=tuple(_groups(self.name, self.book)),
            fees_usd=round(float(self.fees_usd), 2),
            spread_usd=round(float(self.spread_usd), 2),
            held_back=dict(sorted(self.held_back.items())),
            quoted=self.labels.total(),
            unquoted=dict(self.unquoted),
            not_opened=dict(self.not_opened.most_common()),
        )

    def unpledged(self, decision: Decision) -> Decision:
        """Return a decision on shares without those that a short call may call for: they wait until it is gone."""
        pledged = pledged_shares(self.book.lots)
        if not pledged or not decision.orders:
            return decision
        orders = []
        for order in decision.orders:
            held = self.own.holdings[order.symbol].shares if order.symbol in self.own.holdings else 0
            most = max(0, held - pledged.get(order.symbol, 0))
            if order.side is not Side.SELL or order.shares <= most:
                orders.append(order)
            elif most:
                orders.append(replace(order, shares=most))
        return replace(decision, orders=tuple(orders))


def _groups(sleeve: str, book: Book) -> Iterator[PlayedGroup]:
    closed: dict[tuple[str, str], list[ClosedLot]] = {}
    for one in book.closed:
        closed.setdefault((one.lot.group, one.lot.contract.underlying), []).append(one)
    held = {(lot.group, lot.contract.underlying): lot.session for lot in book.lots}
    opened = {key: min(one.lot.session for one in lots) for key, lots in closed.items()}
    for key in sorted({*opened, *held}, key=lambda key: (opened.get(key) or held[key], key)):
        lots = closed.get(key, [])
        yield PlayedGroup(
            sleeve=sleeve,
            group=key[0],
            underlying=key[1],
            opened=opened.get(key) or held[key],
            ended=None if key in held else max(one.session for one in lots),
            pnl_usd=round(float(sum((one.pnl_usd or ZERO for one in lots), ZERO)), 2),
            ends=tuple(dict.fromkeys(one.kind for one in lots)),
        )
