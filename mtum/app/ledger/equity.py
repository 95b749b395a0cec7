"""Dividends and equity of every sleeve at the official close of a session."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import numpy as np
from msgspec.structs import replace

from mtum.app.desk import Desk
from mtum.app.ledger.dividends import dividend_due
from mtum.app.ledger.sleeve_records import Records, SleeveRecords, flows_since, read_records, read_sleeve, write_lots
from mtum.core.market.bars import COLUMNS, PRICE_COLUMNS, Bar, Bars
from mtum.core.portfolio.benchmark import buy_and_hold
from mtum.core.portfolio.fills import Action, ChangeKind, SymbolChange
from mtum.core.portfolio.lots import Lot, lots_of
from mtum.core.portfolio.money import exact
from mtum.ports.records import FLOWS, CashMovement, EquityPoint

LAST_CLOSE_WITHIN = timedelta(days=10)
"""Oldest close that still values a position."""


def value_again_from(desk: Desk, day: date) -> date:
    """Return the oldest session of late that was valued without one of its closes, that session if there is none."""
    several = [sleeve.name for sleeve in desk.sleeves if len(sleeve.symbols) > 1]
    late = [point for name in several for point in desk.store.ledger.equity(name, day - LAST_CLOSE_WITHIN)]
    return min([day, *(point.session for point in late if not point.final)])


@contextmanager
def booked(desk: Desk, since: date) -> Iterator[None]:
    """Record what a block records with the lots and the equity from a session on that follow: all of it or nothing."""
    with desk.store.together():
        yield
        write_lots(desk.store)
        restate_equity(desk, since)


def restate_equity(desk: Desk, since: date, records: Records | None = None) -> None:
    """Compute equity from that session on once more, after something that changes what was held or paid.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    since : date
        First session.
    records : Records or None
        What every strategy's open lots are made of, in today's shares: its last two round trips at least; None for
        none.
    """
    records = read_records(desk.store, since) if records is None else records
    later = {point.session for sleeve in desk.sleeves for point in desk.store.ledger.equity(sleeve.name, since)}
    changes = [one for one in records.actions if isinstance(one, SymbolChange)]
    for day in sorted({since, *later}):
        # Later renames and mergers do not change the lots of an earlier day.
        then = any(day < one.session for one in changes)
        _record_closes(desk, day, read_records(desk.store, day, until=day) if then else records, changes)


def _record_closes(desk: Desk, day: date, records: Records, changes: Sequence[SymbolChange]) -> None:
    """Record dividends, the official close and every sleeve's equity once the session's bars are there.

    Lots are valued whatever the settings trade now: another symbol's and another strategy's too.
    """
    sleeves = {sleeve.name: sleeve for sleeve in desk.sleeves}
    # An order in doubt may have been filled: shares and equity are provisional.
    doubtful = {
        state.intent.strategy
        for state in desk.store.orders.states(unresolved=True)
        if state.intent.session <= day and state.status.in_doubt
    }
    with_options = desk.store.events.option_strategies()
    for strategy in dict.fromkeys([*sleeves, *records.strategies, *with_options]):
        sleeve = read_sleeve(desk.store, strategy, records=records)
        # Shares sold at this close were held on the ex-date, so they earn the dividend.
        before = lots_of(fill for fill in sleeve.fills if fill.session < day)
        after = lots_of(fill for fill in sleeve.fills if fill.session <= day)
        held = {lot.symbol for lot in (*before, *after)}
        universe = sleeves[strategy].symbols if strategy in sleeves else ()
        traded = universe if held <= {*universe} else ()
        symbols = dict.fromkeys([*traded, *sorted(held)])
        bars = {symbol: desk.store.bars.bars(symbol, desk.source.name, day).find(day) for symbol in symbols}
        found = {symbol: bar for symbol, bar in bars.items() if bar is not None}
        if not found:
            continue
        # A close that is not there does not withhold the others': the last one stands in, and the point is provisional.
        missing = {
            symbol: _last_bar(desk, symbol, day) or _at_cost(symbol, after, records.actions)
            for symbol in bars
            if symbol not in found and symbol in held
        }
        if any(bar is None for bar in missing.values()):
            continue
        stood_in = {symbol: bar for symbol, bar in missing.items() if bar is not None}
        paid = _record_dividends(desk, strategy, (before, day), found)
        movements = desk.store.ledger.movements(strategy, open_only=True) if paid else sleeve.movements
        if any(movement.kind == "capital" and movement.session <= day for movement in movements):
            valued = replace(sleeve, movements=movements, lots=after)
            point = _equity_at(desk, valued, strategy, day, found | stood_in, changes)
            known = len(found) == len(bars) and strategy not in doubtful
            if strategy in with_options:
                point, marked = _with_options(desk, point)
                known = known and marked
            desk.store.ledger.write_equity(point if known else replace(point, final=False))


def _with_options(desk: Desk, point: EquityPoint) -> tuple[EquityPoint, bool]:
    """Return the point with what the strategy's options are worth, and whether that figure stands."""
    from mtum.app.ledger.option_worth import options_at

    usd, known = options_at(desk.store, desk.source.name, point.strategy, point.session)
    doubtful = any(
        state.intent.strategy == point.strategy and state.intent.session <= point.session
        for state in desk.store.options.states(unresolved=True)
        if state.status.in_doubt
    )
    return replace(point, market_usd=point.market_usd + usd, equity_usd=point.equity_usd + usd), known and not doubtful


def _last_bar(desk: Desk, symbol: str, day: date) -> Bar | None:
    before = desk.store.bars.bars(symbol, desk.source.name, day - LAST_CLOSE_WITHIN).until(day)
    return before.bar(-1) if len(before) else None


def _at_cost(symbol: str, lots: Sequence[Lot], actions: Sequence[Action]) -> Bar | None:
    """Return what shares that came from another symbol cost: it may be days before the source knows theirs."""
    came = any(isinstance(one, SymbolChange) and one.into == symbol for one in actions)
    lot = next((lot for lot in lots if lot.symbol == symbol), None)
    price = float(lot.entry_price) if lot else 0.0
    return Bar(lot.session, price, price, price, price, 0.0) if lot and came else None


def _equity_at(
    desk: Desk,
    sleeve: SleeveRecords,
    strategy: str,
    day: date,
    bars: Mapping[str, Bar],
    changes: Sequence[SymbolChange],
) -> EquityPoint:
    """Return the sleeve at the session's official close; what came later (a session settled late) is left out."""
    movements = [movement for movement in sleeve.movements if movement.session <= day]
    cash = desk.store.books.cash(strategy, day)
    receivable = sum((movement.amount_usd for movement in movements if not movement.paid), Decimal(0))
    held = [lot for lot in sleeve.lots if lot.symbol in bars]
    market = sum((lot.value_usd(exact(bars[lot.symbol].close)) for lot in held), Decimal(0))
    earlier = desk.store.books.last_before(strategy, day)
    # One price and one number of shares make sense only for a single symbol.
    priced = [*dict.fromkeys(lot.symbol for lot in held)] or [*bars]
    final = desk.store.bars.last_final(next(iter(bars)), desk.source.name)
    return EquityPoint(
        session=day,
        strategy=strategy,
        cash_usd=cash,
        receivable_usd=receivable,
        market_usd=market,
        equity_usd=cash + receivable + market,
        flows_usd=flows_since(movements, earlier.session if earlier else date.min),
        benchmark_usd=_benchmark(desk, day, strategy, movements, _compared(desk, strategy, bars), changes),
        close=exact(bars[priced[0]].close) if len(priced) == 1 else None,
        shares=sum(lot.shares for lot in held),
        final=final is not None and final >= day,
    )


def _record_dividends(desk: Desk, strategy: str, over: tuple[Sequence[Lot], date], bars: Mapping[str, Bar]) -> bool:
    """Record the dividends of shares held over their ex-date; return whether there were new ones."""
    paid = desk.broker.proves_absence
    held, session = over
    due = [dividend_due(held, strategy, symbol, session, bar.dividend, paid=paid) for symbol, bar in bars.items()]
    known = desk.store.books.recorded([one.key for one in due if one is not None])
    new = [one for one in due if one is not None and one.key not in known]
    desk.store.ledger.move_cash(new)
    return bool(new)


def _compared(desk: Desk, strategy: str, traded: Collection[str]) -> Mapping[str, float]:
    found = (sleeve.compared_with for sleeve in desk.sleeves if sleeve.name == strategy)
    return next(found, {symbol: 1 / len(traded) for symbol in traded})


def _benchmark(
    desk: Desk,
    day: date,
    strategy: str,
    movements: Sequence[CashMovement],
    parts: Mapping[str, float],
    changes: Sequence[SymbolChange],
) -> Decimal:
    """Return what the sleeve's money would be worth had it bought these parts of it and held them.

    All are bought at the first session at which all have a close; until then the money is cash.
    """
    start = next(movement for movement in movements if movement.kind == "capital")
    flows: dict[date, float] = {}
    for movement in movements:
        if movement.kind in FLOWS:
            flows[movement.session] = flows.get(movement.session, 0.0) + float(movement.amount_usd)
    portfolio = desk.settings.portfolio
    costs = portfolio.costs()
    held_on = partial(_held_on, desk, changes, strategy if len(parts) == 1 else None)
    bars, first = [held_on(symbol, (start.session, day, tuple(flows))) for symbol in parts], start.session
    while all(map(len, bars)) and (later := max(one.day(0) for one in bars)) > first:
        bars, first = [held_on(symbol, (later, day, tuple(flows))) for symbol in parts], later
    given = float(start.amount_usd)
    whole = given + sum(flows.values())
    if not all(map(len, bars)):
        return exact(round(whole, 6))
    worth = whole * (1.0 - sum(parts.values()))
    for one, part in zip(bars, parts.values(), strict=True):
        held = buy_and_hold(one, first, given * part, costs, {paid: usd * part for paid, usd in flows.items()})
        worth += float(held.value_usd[-1]) if held else 0.0
    return exact(round(worth, 6))


def _held_on(
    desk: Desk,
    changes: Sequence[SymbolChange],
    alone_of: str | None,
    symbol: str,
    span: tuple[date, date, Sequence[date]],
) -> Bars:
    """Return the bars that buy-and-hold of a symbol goes by: what it gave in shares or cash counts as a dividend.

    Parameters
    ----------
    alone_of : str or None
        Sleeve that holds nothing else, if so: before a merger that brought it these shares it held others.
    span : (first, last, further days)
        The sessions wanted.
    """
    since, until, days = span
    given = [one for one in changes if one.symbol == symbol and one.kind is ChangeKind.SPUN_OFF]
    came = next((one for one in changes if one.into == symbol and one.kind is ChangeKind.MERGED), None)
    around = (*days, *(one.session for one in (*given, *((came,) if came else ()))))
    bars = desk.store.bars.eventful(symbol, desk.source.name, since, until, around)
    if came and alone_of in came.given and since < came.session <= until:
        before = desk.store.bars.eventful(came.symbol, desk.source.name, since, came.session - timedelta(days=1), days)
        bars = bars.since(came.session)
        columns = {name: np.concatenate([getattr(before, name), getattr(bars, name)]) for name in COLUMNS}
        for name in (*PRICE_COLUMNS, "dividend"):
            columns[name][: len(before)] /= float(came.ratio)
        columns["dividend"][len(before)] += float(came.cash_usd / came.ratio)
        bars = Bars.from_columns(symbol, bars.source, np.concatenate([before.days, bars.days]), columns)
    for one in given:
        place = int(np.searchsorted(bars.days, np.datetime64(one.session, "D")))
        if 0 < place < len(bars) and bars.day(place) == one.session:
            child = desk.store.bars.bars(one.into, desk.source.name, one.session).find(one.session)
            # No close of the spun-off shares is known: value them at their part of the cost.
            worth = (
                child.close * float(one.ratio)
                if child
                else bars.close[place] * float(one.basis_frac / (1 - one.basis_frac))
            )
            dividend = bars.dividend.copy()
            dividend[place] += worth
            bars = replace(bars, dividend=dividend)
    return bars
