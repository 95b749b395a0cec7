"""Every sleeve decides on the one market that was gathered; where one fails, the others go on without it."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from math import isnan
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.app.desk import Desk, Problem
from mtum.app.ledger.dividends import due_today_usd
from mtum.app.ledger.sleeve_records import (
    SleeveCash,
    SleeveRecords,
    build_book,
    cash_of,
    equity_before,
    loss_pause,
    settled_beside_fund,
    unsettled_usd,
)
from mtum.app.ledger.virtual import virtual_records
from mtum.app.session.account_limits import DAILY_LOSS
from mtum.app.session.check_book import BookCheck
from mtum.app.session.gather import GatheredMarket, SleeveMarket
from mtum.config.sections import digest_of
from mtum.core.canonical import list_in, plain, text_in, utc_text
from mtum.core.decide import FAILED, abstained, decide, with_change_since
from mtum.core.market.sessions import Session, Sessions
from mtum.core.market.validation import at_midpoint
from mtum.core.portfolio.decision import Book, Decision
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.money import AccountKind, exact
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sleeves import CLOSED, Sleeve
from mtum.core.record import decision_document, frame_of
from mtum.core.view import MarketView
from mtum.errors import BarsInvalidError, BookMismatchError, DataError, ExitCode, StrategyError, UnfitError
from mtum.ports.broker import BrokerLists
from mtum.ports.records import CashMovement, DecisionRecord

if TYPE_CHECKING:
    from mtum.app.options.decide_sleeve import OptionSleeve, SleeveChains, SleeveOptions  # an account without: none
    from mtum.core.options.asking import ChainRequest
    from mtum.core.options.chain import Chain


class Moved(Struct, frozen=True):
    """Cash that moves between the sleeves before they decide; empty but at the end of a period.

    `frame` and `document` are what the plan of the session keeps of it.
    """

    frame: Mapping[str, object] = field(default_factory=dict)
    document: Mapping[str, object] = field(default_factory=dict)
    movements: tuple[CashMovement, ...] = ()


class SleeveInputs(Struct, frozen=True):
    """What every sleeve's decision rests on beside the market.

    Parameters
    ----------
    records : mapping of sleeve to SleeveRecords
        Its fills, lots, cash and equity before the session, with the capital it begins with and what `moved`.
    unresolved : mapping of str to str
        Underlyings of options in which nothing is traded, with the reason word.
    shares_usd : mapping of symbol to Decimal
        What the sleeves' shares are worth together, without the cash fund's; asked for options alone.
    """

    session: Session
    sessions: Sessions
    lists: BrokerLists
    check: BookCheck
    records: Mapping[str, SleeveRecords]
    moved: Moved = Moved()
    unresolved: Mapping[str, str] = field(default_factory=dict)
    shares_usd: Mapping[str, Decimal] = field(default_factory=dict)


class Decided(Struct, frozen=True):
    """What one sleeve decided, and on what."""

    sleeve: Sleeve
    gathered: SleeveMarket
    book: Book
    decision: Decision
    options: "SleeveOptions | None" = None


def decide_sleeves(
    desk: Desk, prepared: SleeveInputs, market: GatheredMarket
) -> tuple[tuple[Decided, ...], tuple[Problem, ...]]:
    """Return what each sleeve decides, in the order of the settings, and what went wrong.

    A sleeve that cannot decide abstains, and nothing is ordered for it.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    prepared : SleeveInputs
        What every sleeve's decision rests on beside the market.
    market : GatheredMarket
        Everything that was gathered for a session, for all sleeves together.

    Raises
    ------
    Exception
        The first sleeve's, if none of them could decide.
    """
    found: list[Decided] = []
    problems: list[Problem] = []
    failures: list[Exception] = []
    begun, cash = _own_money(desk, prepared, market)
    left = prepared.check
    asked: dict[ChainRequest, Chain] = {}
    if any(sleeve.strategy.OPTIONS for sleeve in desk.deciding):
        prepared = replace(prepared, shares_usd=_shares_usd(prepared, market))
    for sleeve in desk.deciding:
        held = frozenset(lot.symbol for lot in begun[sleeve.name].lots)
        failed: Exception | None
        try:
            gathered = market.of(sleeve, held)
            check = left if sleeve.owns_money else BookCheck()
            own = (begun[sleeve.name], cash[sleeve.name])
            of = _option_sleeve(sleeve, gathered, own) if sleeve.strategy.OPTIONS else None
            chains = _gathered(desk, prepared, of, asked) if of else None
            book = _book(desk, sleeve, replace(prepared, check=check), gathered, own, chains)
            one, failed = _decided(desk, sleeve, gathered, book)
            if of is not None and chains is not None and failed is None:
                one, failed = _with_options(desk, prepared, one, (of, chains), found)
                problems += _problems_of(desk, one, chains)
        except (DataError, BookMismatchError) as error:
            failures.append(error)
            problems.append(Problem(error.exit_code, f"{_about(desk, sleeve)}not decided: {error}"))
            continue
        left = left.without(book) if sleeve.owns_money else left
        found.append(one)
        failures += [failed] if failed else []
        problems += _undecided(desk, one, held)
        if failed is not None and not isinstance(failed, UnfitError):
            told = str(failed) if isinstance(failed, StrategyError) else repr(failed)
            text = f"{_about(desk, sleeve)}its strategy ended in an error and nothing was ordered for it: {told}"
            problems.append(Problem(ExitCode.BUG, text))
    if len(failures) == len(desk.deciding) and failures:
        raise failures[0]
    return tuple(found), tuple(problems)


def _shares_usd(prepared: SleeveInputs, market: GatheredMarket) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for name, records in prepared.records.items():
        for lot in records.lots if name != FUND else ():
            worth = lot.value_usd(exact(market.prices.get(lot.symbol, float(lot.entry_price))))
            found[lot.symbol] = found.get(lot.symbol, Decimal(0)) + worth
    return found


def _own_money(
    desk: Desk, prepared: SleeveInputs, market: GatheredMarket
) -> tuple[dict[str, SleeveRecords], dict[str, SleeveCash]]:
    """Return what each sleeve has and may spend; a watched one has virtual records and its virtual cash."""
    day, begun = prepared.session.day, {**prepared.records}
    cash = cash_of([one for one in desk.sleeves if one.owns_money], begun, prepared.lists.account, market.prices, day)
    for sleeve in desk.deciding:
        if not sleeve.owns_money:
            virtual = begun[sleeve.name] = virtual_records(desk.store, desk.source.name, desk.account, sleeve, day)
            waits = prepared.lists.account.kind is AccountKind.CASH
            pending = unsettled_usd(virtual.fills, day) if waits else Decimal(0)
            cash[sleeve.name] = SleeveCash(max(Decimal(0), virtual.cash_usd - pending), pending)
    return begun, cash


def _decided(desk: Desk, sleeve: Sleeve, gathered: SleeveMarket, book: Book) -> tuple[Decided, Exception | None]:
    """Return the decision, and the error of a sleeve that abstains instead."""
    refused = gathered.refused
    try:
        decision = decide_believed(gathered, sleeve, book)
        failed: Exception | None = next(iter(refused.values())) if refused and sleeve.is_stuck(refused) else None
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - a strategy may be anybody's: its error must not stop the others
        decision, failed = abstained(gathered.view, sleeve.strategy, book, FAILED), error
    return Decided(sleeve, gathered, book, replace(decision, strategy=sleeve.name)), failed


def _option_sleeve(sleeve: Sleeve, gathered: SleeveMarket, own: tuple[SleeveRecords, SleeveCash]) -> "OptionSleeve":
    from mtum.app.options.decide_sleeve import OptionSleeve

    return OptionSleeve(sleeve, gathered.view, *own)


def _gathered(
    desk: Desk, prepared: SleeveInputs, of: "OptionSleeve", asked: "dict[ChainRequest, Chain]"
) -> "SleeveChains":
    from mtum.app.options.decide_sleeve import gather_chains

    if of.sleeve.owns_money:
        book = desk.store.options.book(of.sleeve.name)
    else:
        from mtum.app.ledger.virtual_options import virtual_options

        day, name = prepared.session.day, of.sleeve.name
        book = virtual_options(desk.store, desk.source.name, desk.account, name, day).book
    return gather_chains(desk, prepared.session, of, book, desk.clock.now(), asked)


def _with_options(
    desk: Desk,
    prepared: SleeveInputs,
    one: Decided,
    owned: "tuple[OptionSleeve, SleeveChains]",
    before: Sequence[Decided],
) -> tuple[Decided, Exception | None]:
    """Return the decision of a sleeve with that on its options; where its strategy fails in it, it abstains whole."""
    from mtum.app.options.decide_sleeve import Beside, decide_sleeve

    view, others = one.gathered.view, [other for other in before if other.sleeve.owns_money]
    worth = [one.decision.equity_usd]
    if one.sleeve.owns_money:
        seen = {one.sleeve.name, *(other.sleeve.name for other in others)}
        rest = [records for name, records in prepared.records.items() if name not in seen]
        worth += [other.decision.equity_usd for other in others]
        worth += [float(records.cash_usd + records.receivable_usd) for records in rest]
        worth += [
            lot.shares * view.prices.get(lot.symbol, float(lot.entry_price)) for each in rest for lot in each.lots
        ]
        intents = [intent for other in others if other.options for intent in other.options.decision.intents]
        there = None
        if FUND in prepared.records:
            there, _ = settled_beside_fund(desk.sleeves, prepared.records, prepared.lists.account, prepared.session.day)
        beside = Beside(intents, exact(round(sum(worth), 2)), prepared.unresolved, there, prepared.shares_usd)
    else:
        beside = Beside((), exact(round(sum(worth), 2)), {})
    found = decide_sleeve(desk, prepared.session, *owned, (one.book, one.decision), beside)
    decided = replace(one, options=found)
    if found.failed is None:
        return decided, None
    failed = abstained(view, one.sleeve.strategy, one.book, FAILED)
    return replace(decided, decision=replace(failed, strategy=one.sleeve.name)), found.failed


def _problems_of(desk: Desk, one: Decided, chains: "SleeveChains") -> tuple[Problem, ...]:
    from mtum.app.options.decide_sleeve import option_problems_of

    told = option_problems_of(desk, one.sleeve, one.options) if one.options else ()
    return (*chains.problems, *told)


def _undecided(desk: Desk, one: Decided, held: frozenset[str]) -> list[Problem]:
    return [
        Problem(
            error.exit_code,
            f"{desk.place(one.sleeve, symbol)} is held and was not decided, nothing was ordered in it: {error}",
        )
        for symbol, error in one.gathered.refused.items()
        if symbol in held or (held and not one.sleeve.strategy.EACH_BY_ITSELF)
    ]


def _about(desk: Desk, sleeve: Sleeve) -> str:
    return f"{desk.place(sleeve)}: "


def _book(
    desk: Desk,
    sleeve: Sleeve,
    prepared: SleeveInputs,
    gathered: SleeveMarket,
    own: tuple[SleeveRecords, SleeveCash],
    chains: "SleeveChains | None",
) -> Book:
    day, check, sessions = prepared.session.day, prepared.check, prepared.sessions
    records, cash = own
    book = build_book(records, sleeve, desk.store, cash, sessions, day)
    requested = desk.store.statements.flatten_requests(sleeve.name)
    paused = loss_pause(desk.store.decisions, sleeve, sessions, day)
    due = due_today_usd(records.lots, desk.store.books.recorded, sleeve.name, gathered.view.bars.values())
    book = replace(
        book,
        receivable_usd=book.receivable_usd + float(due),
        losses=replace(book.losses, paused=paused),
        forced_exits={**sleeve.forced_exits, **dict.fromkeys(requested, "flatten")},
        buy_backs={symbol: shares for symbol in requested if (shares := _bought_back(book, check, symbol))},
        entries_barred={**gathered.entries_barred, **check.entries_barred},
        exits_barred=check.exits_barred,
        holdings={symbol: check.capped(holding) for symbol, holding in book.holdings.items()},
        unsellable_shares={symbol: left for symbol, one in book.holdings.items() if (left := check.beyond(one))},
        restriction=sleeve.restricted(book.restriction),
    )
    if chains is not None:
        from mtum.app.options.decide_sleeve import held_back

        if _flattens(desk, sleeve):
            # What a call pledged, or was not bought back, is left for the sessions that follow.
            still = (*book.holdings, *(lot.contract.underlying for lot in chains.book.lots))
            book = replace(book, forced_exits={**dict.fromkeys(still, "daily_loss"), **book.forced_exits})
        book = held_back(book, chains, sleeve)
    return with_change_since(book, gathered.view.prices, equity_before(records))


def _flattens(desk: Desk, sleeve: Sleeve) -> bool:
    """Return whether the halt of a daily loss that closes everything still stands; a person's resume ends it."""
    halts = desk.store.control.halts(in_force=True)
    scopes = {one.sleeve for one in halts if one.by == DAILY_LOSS}
    return sleeve.owns_money and sleeve.rules.losses.flatten_on_daily_loss and bool(scopes & {None, sleeve.name})


def _bought_back(book: Book, check: BookCheck, symbol: str) -> int:
    own = book.holdings.get(symbol)
    return min(-own.shares, check.short.get(symbol, 0)) if own is not None and own.shares < 0 else 0


def record_of(desk: Desk, one: Decided, decided_at: datetime) -> DecisionRecord:
    """Return the decision of a sleeve with everything it rests on, as it is stored.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    one : Decided
        What one sleeve decided, and on what.
    decided_at : datetime
        Instant of the decision, UTC.
    """
    seen = {
        symbol: {
            "volume_so_far": None if isnan(today.volume_so_far) else today.volume_so_far,
            "volume_share": today.volume_share,
            "bar_time": utc_text(today.seen_at),
        }
        for symbol, today in one.gathered.view.provisional.items()
    }
    decided, frame = decision_document(one.decision), frame_of(one.gathered.view, one.book, one.sleeve.strategy)
    if one.options is not None:
        decided, frame = one.options.document(decided), frame | {"options": one.options.frame()}
    shown = {
        **decided,
        "seen": seen,
        "provisional": True,
        "degraded": list(one.gathered.degraded),
        "notes": list(one.gathered.notes),
        "source": desk.source.name,
        **({} if one.sleeve.owns_money else {"virtual": True}),
        **(_virtual_options(one.options) if one.options is not None and not one.sleeve.owns_money else {}),
    }
    settings = desk.settings.document()
    return DecisionRecord(
        account=desk.account,
        session=one.decision.session,
        strategy=one.sleeve.name,
        decided_at=decided_at,
        action=text_in(decided["action"]),
        reasons=tuple(text_in(word) for word in list_in(decided["reasons"])),
        document=shown,
        frame=frame,
        settings=settings,
        settings_hash=digest_of(settings),
        code_version=desk.provenance.code_version,
        code_hash=desk.provenance.code_hash,
        libraries=desk.provenance.libraries,
        remembered={verdict.symbol: verdict.remember for verdict in one.decision.verdicts if verdict.remember},
    )


def _virtual_options(options: "SleeveOptions") -> dict[str, object]:
    from mtum.app.ledger.virtual_options import virtual_trades

    kept = virtual_trades(options.decision.intents, options.quotes, options.marks())
    return {"virtual_options": plain(kept)}


WHATEVER_THE_PRICE = frozenset({"exit_carried", "flatten", CLOSED})
"""Reasons of sales that do not depend on today's price, so that a doubtful price does not stop them."""


def decide_believed(gathered: SleeveMarket, sleeve: Sleeve, book: Book) -> Decision:
    """Decide on what was gathered for a sleeve; a sale at a doubtful price must also hold at the live midpoint.

    Parameters
    ----------
    gathered : SleeveMarket
        The market for one sleeve: the view, what is missing in it, what bars entries, whose price is in doubt.
    sleeve : Sleeve
        A strategy as it runs in the account; without sleeves in the settings the account is one sleeve of weight 1.
    book : Book
        What the sleeve holds and may spend at the decision.

    Raises
    ------
    BarsInvalidError
        If a sale rests on an unconfirmed price alone.
    """
    decision = decide(gathered.view, sleeve.strategy, book, sleeve.rules)
    in_doubt = {
        order.symbol
        for order in decision.orders
        if order.side is Side.SELL and order.symbol in gathered.doubtful and not WHATEVER_THE_PRICE & {*order.reasons}
    }
    if not in_doubt:
        return decision
    again = decide(_at_midpoints(gathered.view, in_doubt), sleeve.strategy, book, sleeve.rules)
    sold = {order.symbol for order in again.orders if order.side is Side.SELL}
    for symbol in sorted(in_doubt):
        midpoint = gathered.view.provisional[symbol].midpoint
        if midpoint is None or symbol not in sold:
            held = "there is no midpoint to check it at" if midpoint is None else f"it does not hold at {midpoint:g}"
            raise BarsInvalidError(
                f"{symbol} {gathered.view.session}: a sale at an unconfirmed price: {held}; "
                "look at the price, then `mtum bars release` it or `mtum flatten`"
            )
    return decision


def _at_midpoints(view: MarketView, symbols: set[str]) -> MarketView:
    bars, provisional = dict(view.bars), dict(view.provisional)
    for symbol in symbols:
        midpoint = provisional[symbol].midpoint
        if midpoint is not None:
            provisional[symbol] = at_midpoint(provisional[symbol], midpoint)
            bars[symbol] = bars[symbol].until(bars[symbol].day(-2)).extended(provisional[symbol].bar)
    return dataclasses.replace(view, bars=bars, provisional=provisional)
