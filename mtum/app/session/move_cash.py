"""Cash that goes from sleeves above their share to those below it, before the last decisions of a period."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from mtum.app.desk import Desk, Problem
from mtum.app.ledger.dividends import due_today_usd
from mtum.app.ledger.sleeve_records import SleeveRecords, cash_of
from mtum.app.session.decide_sleeves import Moved, SleeveInputs
from mtum.app.session.gather import GatheredMarket
from mtum.config import account_rules
from mtum.core.coordination.transfers import WEIGHTING_SESSIONS, SleeveMoney, Transfer
from mtum.core.plans import transfers_document, transfers_frame, transfers_in
from mtum.core.portfolio.equity_points import OfficialEquity, curve_of, with_capital
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.returns import returns
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.reporting.parts.coordination import transfer_lines
from mtum.errors import ExitCode
from mtum.ports.records import CashMovement

NO_PRICE = "no_price"
"""Reason word: a holding of the sleeve has no price, so its share of the account is unknown."""
OF_ITS_SYMBOL = frozenset({"other_instrument"})
"""Reasons that bar purchases of a symbol and leave no doubt about what the account is worth."""


def move_cash(desk: Desk, prepared: SleeveInputs, market: GatheredMarket) -> tuple[SleeveInputs, tuple[Problem, ...]]:
    """Return what the sleeves decide on once cash has moved between them; unchanged but at the end of a period.

    Nothing is written: the movements are committed with the decisions. Where it is not certain what the sleeves
    own, nothing moves, and the problem says so.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    prepared : SleeveInputs
        What every sleeve's decision rests on beside the market.
    market : GatheredMarket
        Everything that was gathered for a session, for all sleeves together.
    """
    rules, day = account_rules(desk.settings).transfers, prepared.session.day
    following = prepared.sessions.after(day)
    real = [one for one in desk.sleeves if one.owns_money and one.name != FUND]
    if len(real) < 2 or not rules.due(day, following.day if following else None):
        return prepared, ()
    cash = cash_of(real, prepared.records, prepared.lists.account, market.prices, day)
    worth = {one.name: worth_now(desk, prepared.records[one.name], one.name, market) for one in real}
    halts = {one.name: desk.store.control.restriction(one.name) for one in real}
    pinned = _pinned(desk) if desk.settings.trades_options else {}
    free = {name: max(Decimal(0), one.available_usd - pinned.get(name, Decimal(0))) for name, one in cash.items()}
    money = [
        SleeveMoney(
            name=one.name,
            weight=one.weight,
            equity_usd=exact(worth[one.name][0]),
            available_usd=Decimal(0) if halts[one.name] is Restriction.FULL else free[one.name],
            receives=one.state is SleeveState.ON and halts[one.name] is Restriction.NONE,
        )
        for one in real
    ]
    unvalued = [symbol for _, symbols in worth.values() for symbol in symbols]
    barred = NO_PRICE if unvalued else _barred(desk, prepared)
    earned = {} if rules.weighting == "fixed" else {one.name: _returns(desk, one, prepared) for one in real}
    frame = transfers_frame(money, earned, barred)
    document = transfers_document(frame, rules)
    moved = {one.sleeve: one for one in transfers_in(document) if one.usd}
    movements = tuple(_movement(one, prepared, moved.values()) for one in moved.values())
    changed = {one.strategy: _with(prepared.records[one.strategy], one) for one in movements}
    told = (Problem(ExitCode.DATA if unvalued else ExitCode.DONE, line) for line in transfer_lines(document) if barred)
    return (
        replace(prepared, records={**prepared.records, **changed}, moved=Moved(frame, document, movements)),
        tuple(told),
    )


def worth_now(desk: Desk, records: SleeveRecords, name: str, market: GatheredMarket) -> tuple[float, tuple[str, ...]]:
    """Return what a sleeve is worth at the decision, USD, and what of it could not be valued.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    records : SleeveRecords
        A strategy's own records before a session, in today's shares.
    name : str
        Name of the sleeve.
    market : GatheredMarket
        Everything that was gathered for a session, for all sleeves together.
    """
    prices, lots = market.prices, records.lots
    due = due_today_usd(lots, desk.store.books.recorded, name, market.bars.values())
    found = sum(lot.shares * lot.multiplier * prices[lot.symbol] for lot in lots if lot.symbol in prices)
    unknown = dict.fromkeys(lot.symbol for lot in lots if lot.symbol not in prices)
    options = _options_usd(desk, name, market) if desk.settings.trades_options else Decimal(0)
    return round(float(records.cash_usd + records.receivable_usd + due + options) + found, 6), tuple(unknown)


def _pinned(desk: Desk) -> dict[str, Decimal]:
    """Return the cash that each sleeve's open options pin, USD: it goes to no other sleeve."""
    from mtum.core.portfolio.options.own import pinned_usd

    lots = desk.store.options.book().lots
    return {name: pinned_usd(lots, (), name) for name in dict.fromkeys(lot.strategy for lot in lots)}


def _options_usd(desk: Desk, name: str, market: GatheredMarket) -> Decimal:
    from mtum.app.ledger.option_worth import options_at

    return options_at(desk.store, desk.source.name, name, market.session.day)[0]


def _barred(desk: Desk, prepared: SleeveInputs) -> str:
    if desk.store.control.restriction() is Restriction.FULL:
        return "halted"
    doubts = [word for word in prepared.check.entries_barred.values() if word not in OF_ITS_SYMBOL]
    return doubts[0] if doubts else ""


def _returns(desk: Desk, sleeve: Sleeve, prepared: SleeveInputs) -> list[float]:
    points = [
        OfficialEquity(one.session, one.equity_usd, one.flows_usd)
        for one in desk.store.ledger.equity(sleeve.name)
        if one.session < prepared.session.day
    ]
    begun = (one.amount_usd for one in prepared.records[sleeve.name].movements if one.kind == "capital")
    given = curve_of(with_capital(points, sum(begun, Decimal(0))))
    return [float(one) for one in returns(given)[-WEIGHTING_SESSIONS:]]


def _movement(one: Transfer, prepared: SleeveInputs, moved: Iterable[Transfer]) -> CashMovement:
    others = ", ".join(other.sleeve for other in moved if (other.usd > 0) is not (one.usd > 0))
    day = prepared.session.day
    note = f"from {others}" if one.usd > 0 else f"to {others}"
    return CashMovement(f"transfer:{one.sleeve}:{day}", one.sleeve, day, "transfer", exact(one.usd), note)


def _with(records: SleeveRecords, movement: CashMovement) -> SleeveRecords:
    return replace(
        records,
        cash_usd=records.cash_usd + movement.amount_usd,
        movements=(*records.movements, movement),
    )
