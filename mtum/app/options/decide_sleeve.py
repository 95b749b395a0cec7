"""A sleeve of options through a decision: its chains are gathered, its shares and cash are held back, it decides."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.app.desk import Desk, Problem
from mtum.app.ledger.gate_records import orders_at_work
from mtum.app.ledger.option_worth import marks_of
from mtum.app.ledger.sleeve_records import SleeveCash, SleeveRecords
from mtum.app.options.own_options import to_trade_back, worth_usd
from mtum.config import account_rules, option_rules
from mtum.core.decide import entry_bar
from mtum.core.decide_options import (
    BROKEN,
    NO_GROUP,
    HeldBack,
    OptionDecision,
    OptionSessionRules,
    chains_wanted,
    decide_options,
)
from mtum.core.market.coverage import Dividends
from mtum.core.market.sessions import Session, Sessions
from mtum.core.option_limits import ExposureLimits, exposures
from mtum.core.options.asking import ChainRequest, OptionGroup, OwnOptions
from mtum.core.options.chain import Chain, Quote, ReadChain, read
from mtum.core.options.contracts import CLASSES, OptionContract
from mtum.core.options.legs import OptionLot
from mtum.core.options.model.dividends import DIVIDENDS_BEFORE, NEAR_SESSIONS
from mtum.core.portfolio import decision as shares
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.lots import Book
from mtum.core.portfolio.options.orders import OptionIntent, WorkingOrder, at_work
from mtum.core.portfolio.options.own import (
    Told,
    all_pinned_usd,
    groups_in,
    last_opened,
    pinned_usd,
    pledged_shares,
    premium_of_year,
    still_held,
    with_ex_dates,
)
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sleeves import CLOSED, Sleeve, SleeveState
from mtum.core.record_options import options_frame, with_options
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.view import MarketView
from mtum.errors import DataError, ExitCode

_AHEAD = timedelta(days=30)
"""Calendar days that hold the sessions within which a dividend is near."""
LAST_CANCEL_MINUTES = 5.0
"""Minutes before the close at which the last order in options is canceled."""
WRONG = frozenset({"legs", "contract", "listing", "uncovered_calls", "defined_risk", "index_puts", "own", NO_GROUP})
"""Clauses that no sound strategy comes up against."""


class OptionSleeve(Struct, frozen=True):
    """A sleeve of options with what it sees and owns beside them."""

    sleeve: Sleeve
    view: MarketView
    records: SleeveRecords
    cash: SleeveCash


class SleeveChains(Struct, frozen=True):
    """What a sleeve of options decides on, beside what every sleeve does.

    Parameters
    ----------
    book : Book
        Its own option lots, and what became of others.
    lots : tuple of OptionLot
        Of the other sleeves.
    working : tuple of WorkingOrder
        Our orders of earlier sessions that are not proven to have ended.
    chains : mapping of str to Chain
        By underlying, as they were quoted.
    worth_usd : Decimal
        What its lots are worth by them.
    failed : Exception or None
        What its strategy ended in when it was asked for the chains it wants.
    """

    book: Book
    lots: tuple[OptionLot, ...] = ()
    working: tuple[WorkingOrder, ...] = ()
    chains: Mapping[str, Chain] = field(default_factory=dict)
    read: Mapping[str, ReadChain] = field(default_factory=dict)
    worth_usd: Decimal = Decimal(0)
    problems: tuple[Problem, ...] = ()
    failed: Exception | None = None

    def pinned_usd(self, sleeve: str) -> Decimal:
        """Return the cash that its groups and orders pin, USD."""
        return pinned_usd(self.book.lots, self.working, sleeve)


class Beside(Struct, frozen=True):
    """What stands beside a sleeve's decision in options.

    Parameters
    ----------
    intents : sequence of OptionIntent
        What other sleeves decided before it.
    account_usd : Decimal
        Equity of the account.
    unresolved : mapping of str to str
        Underlyings in which nothing is traded, with the reason word.
    settled_usd : Decimal or None
        Settled cash of the account that is in no cash fund; None without such a fund.
    shares_usd : mapping of symbol to Decimal or None
        What the account's shares are worth, without the cash fund's; None for virtual money.
    """

    intents: Sequence[OptionIntent]
    account_usd: Decimal
    unresolved: Mapping[str, str]
    settled_usd: Decimal | None = None
    shares_usd: Mapping[str, Decimal] | None = None


class SleeveOptions(Struct, frozen=True):
    """What a sleeve decided in options, and all that it rests on.

    Parameters
    ----------
    failed : Exception or None
        What its strategy ended in instead; nothing is decided then.
    """

    own: OwnOptions
    rules: OptionSessionRules
    chains: Mapping[str, Chain]
    decision: OptionDecision
    source: str
    model_priced: bool
    pinned_usd: Decimal = Decimal(0)
    failed: Exception | None = None

    def frame(self) -> dict[str, object]:
        """Return what the stored frame keeps."""
        return options_frame(self.own, self.chains, self.rules, self.source, model_priced=self.model_priced)

    def marks(self) -> dict[OptionContract, Decimal]:
        """Return what each contract that it holds or wants to trade is worth by these chains, USD per share."""
        held = [lot.contract for group in self.own.groups for lot in group.lots]
        wanted = [leg.contract for intent in self.decision.intents for leg in intent.legs]
        return marks_of(dict.fromkeys((*held, *wanted)), self.quotes)

    @property
    def quotes(self) -> dict[int, Quote]:
        """Quotes of the decision by the broker's number of the contract."""
        return {row.contract.con_id: row.quote for chain in self.chains.values() for row in chain.rows}

    def document(self, of_shares: dict[str, object]) -> dict[str, object]:
        """Return the document of the whole decision; that on shares alone where the strategy failed."""
        if self.failed is not None:
            return of_shares
        return with_options(of_shares, self.decision, self.own, self.source, model_priced=self.model_priced)


def gather_chains(
    desk: Desk, session: Session, of: OptionSleeve, book: Book, at: datetime, asked: dict[ChainRequest, Chain]
) -> SleeveChains:
    """Return the chains that a sleeve wants and those of what it holds.

    A chain that cannot be had is missing, and said: nothing is opened there.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    of : OptionSleeve
        A sleeve of options with what it sees and owns beside them.
    book : Book
        Its option lots, virtual ones of a sleeve that is only watched.
    at : datetime
        Instant that the quotes are to be of.
    asked : dict of ChainRequest to Chain
        What was gathered for sleeves before this one; what is new is added.
    """
    name, real = of.sleeve.name, of.sleeve.owns_money
    everybody = desk.store.options.book().lots if real else ()
    found = SleeveChains(
        book,
        lots=tuple(lot for lot in everybody if lot.strategy != name),
        working=orders_at_work(desk.store.options.states(unresolved=True)) if real else (),
    )
    wanted: tuple[ChainRequest, ...] = ()
    try:
        wanted = chains_wanted(of.view, _strategy(of.sleeve), _own(found, of, session, Decimal(0)))
    except Exception as error:  # noqa: BLE001 - a strategy may be anybody's: its error must not stop the others
        found = replace(found, failed=error)
    place, chains = desk.place(of.sleeve), dict[str, Chain]()
    problems: list[Problem] = []
    for request in wanted:
        try:
            if request not in asked:
                asked[request] = _asked(desk, request, of.view, at)
            chains[request.underlying] = asked[request]
        except DataError as error:
            problems.append(Problem(error.exit_code, f"{place}: {error}"))
    known = {underlying: read(chain) for underlying, chain in chains.items()}
    refused = [f"{one}: {of_it.refused}" for one, of_it in known.items() if of_it.refused and chains[one].rows]
    problems += [Problem(ExitCode.DATA, f"{place}: {text}") for text in refused]
    worth = worth_usd(book.lots, known, desk.store.options.marks(session.day))
    return replace(found, chains=chains, read=known, worth_usd=worth, problems=tuple(problems))


def _asked(desk: Desk, request: ChainRequest, view: MarketView, at: datetime) -> Chain:
    spot = view.prices.get(request.underlying) or view.series.get(request.underlying)
    if spot is None:
        raise DataError(f"{request.underlying}: its price is not known, so that no chain of options can be asked for")
    if desk.chains is None:
        raise DataError(f"{request.underlying}: nothing here quotes options")
    return desk.chains.chain(request, spot, at)


def _strategy(sleeve: Sleeve) -> OptionStrategy:
    if not isinstance(sleeve.strategy, OptionStrategy):
        raise TypeError(f"{sleeve.name} trades no options")
    return sleeve.strategy


def held_back(book: shares.Book, found: SleeveChains, sleeve: Sleeve) -> shares.Book:
    """Return a sleeve's book for its decision on shares.

    Its options are part of its equity, cash that they pin cannot be spent and shares that they pledge are not sold.
    Shares of a broken group are traded back.

    Parameters
    ----------
    book : Book
        The sleeve's book of shares and cash.
    found : SleeveChains
        What a sleeve of options decides on, beside what every sleeve does.
    sleeve : Sleeve
        A strategy as it runs in the account; without sleeves in the settings the account is one sleeve of weight 1.
    """
    free = max(0.0, book.available_usd - float(found.pinned_usd(sleeve.name)))
    pledged, holdings = pledged_shares(found.book.lots), dict(book.holdings)
    unsellable, forced, backs = dict(book.unsellable_shares), dict(book.forced_exits), dict(book.buy_backs)
    for symbol, one in book.holdings.items():
        total = one.shares + unsellable.get(symbol, 0)
        most = max(0, total - pledged.get(symbol, 0))
        if one.shares > most:
            holdings[symbol] = replace(one, shares=most)
            unsellable[symbol] = total - most
    for symbol in to_trade_back(found.book):
        own = holdings.get(symbol)
        total = (own.shares if own else 0) + unsellable.get(symbol, 0)
        if total > 0:
            forced.setdefault(symbol, BROKEN)
        elif total < 0:
            backs.setdefault(symbol, -total)
    return replace(
        book,
        available_usd=free,
        holdings=holdings,
        unsellable_shares=unsellable,
        forced_exits=forced,
        buy_backs=backs,
        options_usd=float(found.worth_usd),
    )


def decide_sleeve(
    desk: Desk,
    session: Session,
    of: OptionSleeve,
    found: SleeveChains,
    decided: tuple[shares.Book, shares.Decision],
    beside: Beside,
) -> SleeveOptions:
    """Return what a sleeve decides in options once its shares are decided.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    of : OptionSleeve
        A sleeve of options with what it sees and owns beside them.
    found : SleeveChains
        What was gathered for it.
    decided : (Book, Decision)
        Of its shares: what it sells today covers no call.
    beside : Beside
        What stands beside a sleeve's decision in options.
    """
    sleeve, (book, decision) = of.sleeve, decided
    sold = {order.symbol: order.shares for order in decision.orders if order.side is Side.SELL}
    own = _own(found, of, session, exact(round(decision.equity_usd, 2)))
    left = {symbol: number - sold.get(symbol, 0) for symbol, number in own.shares.items()}
    kept = {symbol: number for symbol, number in left.items() if number}
    own = _with_ex_dates(desk, session, replace(own, shares=kept, account_equity=beside.account_usd))
    working, every = (*found.working, *at_work(beside.intents)), (*found.book.lots, *found.lots)
    rules = OptionSessionRules(
        account=desk.account,
        sleeve=sleeve.name,
        session=session,
        deadline=session.before_close(LAST_CANCEL_MINUTES),
        gate=option_rules(desk.settings, desk.account, own.equity, beside.account_usd),
        restriction=book.restriction,
        entry_bar=entry_bar(book, lost=decision.daily_loss_hit, fallen=decision.drawdown_hit) or _everywhere(of, book),
        closed=_closed(sleeve, book, decision, own.groups),
        barred=dict(book.entries_barred),
        exits_barred={**book.exits_barred, **beside.unresolved},
        lots=found.lots,
        working=working,
        there_usd=None if beside.settled_usd is None else beside.settled_usd - all_pinned_usd(every, working),
        limits=None
        if beside.shares_usd is None
        else ExposureLimits.of(account_rules(desk.settings), beside.account_usd, beside.shares_usd),
    )
    answer, failed = OptionDecision(), found.failed
    try:
        answer = decide_options(of.view, _strategy(sleeve), own, found.read, rules) if failed is None else answer
    except Exception as error:  # noqa: BLE001 - a strategy may be anybody's: its error must not stop the others
        failed = error
    return SleeveOptions(
        own=own,
        rules=rules,
        chains=found.chains,
        decision=answer,
        source=desk.chains.name if desk.chains else "",
        model_priced=bool(desk.chains and desk.chains.model_priced),
        # What is opened today needs its cash today: neither purchases of shares nor the cash fund may take it.
        pinned_usd=pinned_usd(found.book.lots, (*found.working, *at_work(answer.intents)), sleeve.name),
        failed=failed,
    )


def counted_usd(desk: Desk, decided: Sequence[SleeveOptions]) -> dict[str, float]:
    """Return what the account's options, and what is decided today, count with in its limits, USD by underlying."""
    lots, states = desk.store.options.book().lots, desk.store.options.states(unresolved=True)
    working = (*orders_at_work(states), *at_work([intent for one in decided for intent in one.decision.intents]))
    marks = {one.con_id: usd for each in decided for one, usd in each.marks().items()}
    return {name: round(float(usd), 2) for name, usd in exposures(lots, working, marks).items()}


def option_problems_of(desk: Desk, sleeve: Sleeve, options: SleeveOptions) -> tuple[Problem, ...]:
    """Return what a person has to know of a sleeve's decision in options.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    sleeve : Sleeve
        A strategy as it runs in the account; without sleeves in the settings the account is one sleeve of weight 1.
    options : SleeveOptions
        What a sleeve decided in options, and all that it rests on.
    """
    place = desk.place(sleeve)
    wrong = [one for one in options.decision.notes if one.reason in WRONG]
    return (
        *(Problem(ExitCode.HALTED, f"{place}: trading is halted, and {one}") for one in options.decision.alarms),
        *(Problem(ExitCode.ORDER, f"{place}: {_refused(one)}") for one in wrong),
    )


def _refused(one: HeldBack) -> str:
    why = f"{one.reason}{f': {one.text}' if one.text else ''}"
    return f"its strategy proposed to {one.purpose} in {one.underlying} what may not be traded ({why}); nothing is sent"


def _everywhere(of: OptionSleeve, book: shares.Book) -> str:
    # An index has options and is no symbol of the sleeve: what bars all of these bars it too.
    barred = [book.entries_barred.get(symbol, "") for symbol in of.sleeve.symbols]
    return barred[0] if barred and all(barred) else ""


def _closed(
    sleeve: Sleeve, book: shares.Book, decision: shares.Decision, groups: Iterable[OptionGroup]
) -> dict[str, str]:
    held = {group.underlying for group in groups}
    if sleeve.state is SleeveState.CLOSE:
        return dict.fromkeys(sorted(held), CLOSED)
    found = {symbol: reason for symbol, reason in sorted(book.forced_exits.items()) if reason != BROKEN}
    if decision.daily_loss_hit and sleeve.rules.losses.flatten_on_daily_loss:
        found = {**dict.fromkeys(sorted(held), "daily_loss"), **found}
    return found


def _with_ex_dates(desk: Desk, session: Session, own: OwnOptions) -> OwnOptions:
    def told(underlying: str) -> Told:
        bars = desk.store.bars.bars(underlying, desk.source.name, session.day - DIVIDENDS_BEFORE).until(session.day)
        paid = [(bars.day(t), float(bars.dividend[t])) for t in range(len(bars))]
        return (Dividends.NONE if underlying in CLASSES else desk.source.coverage(underlying).dividends), paid

    ahead = Sessions(desk.calendar.sessions(session.day, session.day + _AHEAD).known[1 : NEAR_SESSIONS + 1])
    return with_ex_dates(own, session.day, ahead, told)


def _own(found: SleeveChains, of: OptionSleeve, session: Session, equity: Decimal) -> OwnOptions:
    held: dict[str, int] = {}
    paid: dict[str, Decimal] = {}
    for lot in of.records.lots:
        held[lot.symbol] = held.get(lot.symbol, 0) + lot.shares
        # Calls are written above what the dearest of the shares cost.
        paid[lot.symbol] = max(paid.get(lot.symbol, Decimal(0)), lot.entry_price)
    return OwnOptions(
        groups=groups_in(replace(found.book, lots=still_held(found.book.lots, {}, session.day))),
        equity=equity,
        free_cash=max(Decimal(0), of.cash.available_usd - found.pinned_usd(of.sleeve.name)),
        shares={symbol: number for symbol, number in held.items() if number},
        lot_prices=paid,
        last_opened=last_opened(found.book),
        premium_of_year=premium_of_year(found.book, session.day),
    )
