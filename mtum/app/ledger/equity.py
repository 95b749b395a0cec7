"""Dividends and equity of every sleeve at the official close of a session."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from mtum.app.desk import Desk
from mtum.app.ledger.book import Records, SleeveRecords, flows_since, read_records, read_sleeve
from mtum.app.ledger.dividends import dividend_due
from mtum.app.session.match_orders import IN_DOUBT
from mtum.core.market.bars import Bar, Bars
from mtum.core.portfolio.benchmark import buy_and_hold
from mtum.core.portfolio.costs import cost_model
from mtum.core.portfolio.lots import Lot, lots_of
from mtum.core.portfolio.money import exact
from mtum.ports.records import FLOWS, CashMovement, EquityPoint

LAST_CLOSE_WITHIN = timedelta(days=10)
"""An older close does not value what is held."""


def value_again_from(desk: Desk, session: date) -> date:
    """Return the oldest session of late that was valued without one of its closes, that session if there is none."""
    several = [sleeve.name for sleeve in desk.sleeves if len(sleeve.symbols) > 1]
    late = [point for name in several for point in desk.store.ledger.equity(name, session - LAST_CLOSE_WITHIN)]
    return min([session, *(point.session for point in late if not point.final)])


def restate_equity(desk: Desk, since: date, records: Records | None = None) -> None:
    """Compute equity from that session on once more, after something that changes what was held or paid."""
    records = read_records(desk.store, since) if records is None else records
    later = {point.session for sleeve in desk.sleeves for point in desk.store.ledger.equity(sleeve.name, since)}
    for day in sorted({since, *later}):
        _record_closes(desk, day, records)


def _record_closes(desk: Desk, day: date, records: Records) -> None:
    """Record dividends, the official close and every sleeve's equity once the session's bars are there.

    Lots are valued whatever the settings trade now: another symbol's and another strategy's too.
    """
    sleeves = {sleeve.name: sleeve for sleeve in desk.sleeves}
    for strategy in dict.fromkeys([*sleeves, *records.strategies]):
        sleeve = read_sleeve(desk.store, strategy, records=records)
        # Shares sold at this very close were still held over the ex-date.
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
        missing = {symbol: _last_bar(desk, symbol, day) for symbol in bars if symbol not in found and symbol in held}
        if any(bar is None for bar in missing.values()):
            continue
        stood_in = {symbol: bar for symbol, bar in missing.items() if bar is not None}
        paid = _record_dividends(desk, strategy, (before, day), found)
        movements = desk.store.ledger.movements(strategy, open_only=True) if paid else sleeve.movements
        if any(movement.kind == "capital" and movement.session <= day for movement in movements):
            valued = replace(sleeve, movements=movements, lots=after)
            point = _equity_at(desk, valued, strategy, day, found | stood_in)
            desk.store.ledger.write_equity(point if len(found) == len(bars) else replace(point, final=False))


def _last_bar(desk: Desk, symbol: str, day: date) -> Bar | None:
    before = desk.store.bars.bars(symbol, desk.source.name, day - LAST_CLOSE_WITHIN).until(day)
    return before.bar(-1) if len(before) else None


def _equity_at(desk: Desk, sleeve: SleeveRecords, strategy: str, session: date, bars: Mapping[str, Bar]) -> EquityPoint:
    """Return the sleeve at the session's official close; what came later (a session settled late) is left out."""
    movements = [movement for movement in sleeve.movements if movement.session <= session]
    cash = desk.store.books.cash(strategy, session)
    receivable = sum((movement.amount_usd for movement in movements if not movement.paid), Decimal(0))
    held = [lot for lot in sleeve.lots if lot.symbol in bars]
    market = sum((lot.value_usd(exact(bars[lot.symbol].close)) for lot in held), Decimal(0))
    earlier = desk.store.books.last_before(strategy, session)
    first = next(iter(bars))
    final = desk.store.bars.last_final(first, desk.source.name)
    # An order that may have been filled unseen: the shares, and so the equity, are not known yet.
    doubtful = any(
        state.intent.strategy == strategy and state.intent.session <= session and state.status in IN_DOUBT
        for state in desk.store.orders.states(unresolved=True)
    )
    return EquityPoint(
        session=session,
        strategy=strategy,
        cash_usd=cash,
        receivable_usd=receivable,
        market_usd=market,
        equity_usd=cash + receivable + market,
        flows_usd=flows_since(movements, earlier.session if earlier else date.min),
        benchmark_usd=_benchmark(desk, session, movements, _compared(desk, strategy, bars)),
        close=exact(bars[held[0].symbol if held else first].close),
        shares=sum(lot.shares for lot in held),
        final=final is not None and final >= session and not doubtful,
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


def _benchmark(desk: Desk, session: date, movements: Sequence[CashMovement], parts: Mapping[str, float]) -> Decimal:
    """Return what the sleeve's money would be worth had it bought these parts of it and held them.

    All are bought at the first session at which all have a close; until then the money is cash.
    """
    start = next(movement for movement in movements if movement.kind == "capital")
    flows: dict[date, float] = {}
    for movement in movements:
        if movement.kind in FLOWS:
            flows[movement.session] = flows.get(movement.session, 0.0) + float(movement.amount_usd)
    portfolio = desk.settings.portfolio
    costs = cost_model(portfolio.cost_model, exact(portfolio.cost_frac))
    bars, first = _bars_since(desk, parts, start.session, session, flows), start.session
    while all(map(len, bars)) and (later := max(one.day(0) for one in bars)) > first:
        bars, first = _bars_since(desk, parts, later, session, flows), later
    given = float(start.amount_usd)
    whole = given + sum(flows.values())
    if not all(map(len, bars)):
        return exact(round(whole, 6))
    worth = whole * (1.0 - sum(parts.values()))
    for one, part in zip(bars, parts.values(), strict=True):
        shadow = buy_and_hold(one, first, given * part, costs, {day: usd * part for day, usd in flows.items()})
        worth += shadow.value_usd if shadow else 0.0
    return exact(round(worth, 6))


def _bars_since(desk: Desk, symbols: Iterable[str], since: date, until: date, days: Collection[date]) -> list[Bars]:
    return [desk.store.bars.eventful(symbol, desk.source.name, since, until, tuple(days)) for symbol in symbols]
