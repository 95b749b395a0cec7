"""The whole decision in one call: market view, own book and rules in, decision out."""

from collections.abc import Mapping
from dataclasses import replace
from math import floor

from mtum.core.portfolio.decision import Action, Book, Decision, PlannedOrder, PortfolioRules
from mtum.core.portfolio.limits import LossState, Restriction, daily_loss_hit, drawdown_hit
from mtum.core.portfolio.orders import Purpose, Side
from mtum.core.portfolio.sizing import SizingRules, budget, outlay, shares_for
from mtum.core.strategies.contract import Abstain, Holding, Strategy, SymbolVerdict, Target
from mtum.core.view import MarketView

UNFIT = "unfit"
"""Reason word: nothing is ordered in a symbol whose bars cannot be decided on."""

_ORDER_OF_WORK = (Purpose.COVER, Purpose.EXIT, Purpose.REDUCE, Purpose.ENTER, Purpose.INCREASE)
_SELL_ALL = Target(0.0)


def decide(view: MarketView, strategy: Strategy, book: Book, rules: PortfolioRules) -> Decision:
    """Decide one session for one strategy.

    The strategy gives verdicts; carried exits, limits, halts and sizing turn them into orders.
    The same call serves the daily job, its replay and the session-by-session backtest.

    Parameters
    ----------
    view : MarketView
        Ends at the session being decided.
    book : Book
        The sleeve's holdings, cash and restrictions; `book.losses.change_since_usd` is
        measured here when the caller gives the last official equity through `loss_state`.

    Raises
    ------
    ValueError
        If the frame is shorter than the strategy asks for.
    """
    for symbol in strategy.universe():
        if symbol not in view.unfit and len(view.bars[symbol]) < strategy.history_sessions():
            raise ValueError(f"{symbol}: {len(view.bars[symbol])} bars, {strategy.history_sessions()} needed")
    prices = view.prices
    equity = equity_at(book, prices)
    lost = daily_loss_hit(book.losses, rules.losses, equity)
    fallen = drawdown_hit(equity, book.losses, rules.losses)
    verdicts = _verdicts(view, strategy, book)
    flatten = lost and rules.losses.flatten_on_daily_loss
    forced = tuple(one if one.symbol in view.unfit else _forced(one, book, flatten=flatten) for one in verdicts)
    barred = _entry_bar(book, lost=lost, fallen=fallen)
    covers, cover_notes = _covers(view, book, prices, rules.sizing)
    sales, sale_notes = _sales(forced, book, equity, prices, rules.sizing)
    taken = sum(outlay(order.shares, prices[order.symbol], rules.sizing) for order in covers)
    left = replace(book, available_usd=book.available_usd - taken)
    buys, buy_notes = _buys(forced, left, equity, prices, rules.sizing, barred)
    orders = tuple(sorted((*covers, *sales, *buys), key=lambda order: _ORDER_OF_WORK.index(order.purpose)))
    return Decision(
        session=view.session,
        strategy=strategy.name,
        action=_action(orders),
        reasons=_reasons(orders, forced, cover_notes + sale_notes + buy_notes),
        verdicts=verdicts,
        orders=orders,
        equity_usd=equity,
        daily_loss_hit=lost,
        drawdown_hit=fallen,
    )


def equity_at(book: Book, prices: Mapping[str, float]) -> float:
    """Return the sleeve's equity in USD: cash, dividends receivable and shares at these prices."""
    held = sum(holding.shares * prices[symbol] for symbol, holding in book.holdings.items() if holding.shares)
    unsellable = sum(shares * prices[symbol] for symbol, shares in book.unsellable_shares.items())
    return book.cash_usd + book.receivable_usd + held + unsellable


def with_change_since(book: Book, prices: Mapping[str, float], last_official_equity_usd: float | None) -> Book:
    """Return the book with the change since the last official close filled in."""
    if last_official_equity_usd is None:
        return book
    change = equity_at(book, prices) - last_official_equity_usd
    losses: LossState = replace(book.losses, change_since_usd=round(change, 6))
    return replace(book, losses=losses)


def _verdicts(view: MarketView, strategy: Strategy, book: Book) -> tuple[SymbolVerdict, ...]:
    # An unfit symbol is never asked about, whatever else was wanted of it.
    given = {verdict.symbol: verdict for verdict in strategy.verdicts(view, book.holdings)}
    abstained = {symbol: SymbolVerdict(symbol, Abstain(), (UNFIT,), (), {}) for symbol in view.unfit}
    both = given | abstained
    return tuple(both[symbol] for symbol in strategy.universe() if symbol in both)


def _forced(verdict: SymbolVerdict, book: Book, *, flatten: bool) -> SymbolVerdict:
    held = _held(book, verdict.symbol).shares
    original = book.exit_pending.get(verdict.symbol)
    if held and original is not None:
        return replace(verdict, verdict=_SELL_ALL, reasons=("exit_carried", original))
    if held and verdict.symbol in book.forced_exits:
        return replace(verdict, verdict=_SELL_ALL, reasons=(book.forced_exits[verdict.symbol],))
    own_exit = isinstance(verdict.verdict, Target) and verdict.verdict.weight == 0
    if held and flatten and not own_exit:
        return replace(verdict, verdict=_SELL_ALL, reasons=("daily_loss",))
    return verdict


def _entry_bar(book: Book, *, lost: bool, fallen: bool) -> str | None:
    if book.restriction is not Restriction.NONE or fallen:
        return "halted"
    if lost or book.losses.paused:
        return "daily_loss"
    return None


def _held(book: Book, symbol: str) -> Holding:
    return book.holdings.get(symbol, Holding(symbol))


def _wanted(
    verdict: SymbolVerdict, held: int, equity: float, prices: Mapping[str, float], sizing: SizingRules
) -> int | None:
    """Shares to end with; None leaves them alone.

    Buying has a cost, holding has none: between what could be bought and what may be held nothing is done.
    """
    if not isinstance(verdict.verdict, Target):
        return None
    if verdict.verdict.weight <= 0:
        return 0 if held else None
    price = prices[verdict.symbol]
    bought = shares_for(budget(verdict.verdict.weight, equity, float("inf"), sizing), price, sizing)
    kept = floor(verdict.verdict.weight * equity * sizing.max_position_frac / price)
    return max(bought, min(held, kept))


def _covers(
    view: MarketView, book: Book, prices: Mapping[str, float], sizing: SizingRules
) -> tuple[list[PlannedOrder], tuple[str, ...]]:
    # A person's word alone buys back what is short: it goes on under a reduce-only halt, as every exit does.
    orders: list[PlannedOrder] = []
    notes: list[str] = []
    cash = book.available_usd + book.unsettled_usd
    for symbol, shares in book.buy_backs.items():
        if symbol in view.unfit:
            notes.append(UNFIT)
            continue
        cost = outlay(shares, prices[symbol], sizing)
        if book.restriction is Restriction.FULL:
            notes.append("halted")
        elif symbol in book.exits_barred:
            notes.append(book.exits_barred[symbol])
        elif cost > cash:
            notes.append("buy_back_exceeds_cash")
        else:
            cash -= cost
            orders.append(PlannedOrder(symbol, Side.BUY, Purpose.COVER, shares, ("flatten",)))
    return orders, tuple(notes)


def _sales(
    verdicts: tuple[SymbolVerdict, ...],
    book: Book,
    equity: float,
    prices: Mapping[str, float],
    sizing: SizingRules,
) -> tuple[list[PlannedOrder], tuple[str, ...]]:
    orders: list[PlannedOrder] = []
    notes: list[str] = []
    for verdict in verdicts:
        held = _held(book, verdict.symbol).shares
        wanted = _wanted(verdict, held, equity, prices, sizing)
        if wanted is None or wanted >= held:
            continue
        if book.restriction is Restriction.FULL:
            notes.append("halted")
        elif verdict.symbol in book.exits_barred:
            notes.append(book.exits_barred[verdict.symbol])
        else:
            purpose = Purpose.REDUCE if wanted else Purpose.EXIT
            orders.append(PlannedOrder(verdict.symbol, Side.SELL, purpose, held - wanted, verdict.reasons))
    return orders, tuple(notes)


def _buys(
    verdicts: tuple[SymbolVerdict, ...],
    book: Book,
    equity: float,
    prices: Mapping[str, float],
    sizing: SizingRules,
    barred: str | None,
) -> tuple[list[PlannedOrder], tuple[str, ...]]:
    orders: list[PlannedOrder] = []
    notes: list[str] = []
    cash = book.available_usd
    for verdict in verdicts:
        held = _held(book, verdict.symbol).shares
        wanted = _wanted(verdict, held, equity, prices, sizing)
        if wanted is None or wanted < held or (wanted == held and held):
            continue
        bar = barred or book.entries_barred.get(verdict.symbol)
        if bar:
            notes.append(bar)
            continue
        price = prices[verdict.symbol]
        shares = min(wanted - held, shares_for(cash, price, sizing))
        if shares < 1:
            unsettled_would_do = wanted and shares_for(cash + book.unsettled_usd, price, sizing)
            notes.append("cash_not_settled" if unsettled_would_do else "budget_below_one_share")
            continue
        cash -= outlay(shares, price, sizing)
        purpose = Purpose.INCREASE if held else Purpose.ENTER
        orders.append(PlannedOrder(verdict.symbol, Side.BUY, purpose, shares, verdict.reasons))
    return orders, tuple(notes)


def _action(orders: tuple[PlannedOrder, ...]) -> Action:
    if not orders:
        return Action.HOLD
    return Action.ENTER if all(order.purpose.opens for order in orders) else Action.EXIT


def _reasons(
    orders: tuple[PlannedOrder, ...], verdicts: tuple[SymbolVerdict, ...], notes: tuple[str, ...]
) -> tuple[str, ...]:
    # What prevented an order explains a hold better than the strategy's own words.
    words = [reason for order in orders for reason in order.reasons] or list(notes)
    words = words or [reason for verdict in verdicts for reason in verdict.reasons if reason != "hold"] or ["hold"]
    return tuple(dict.fromkeys(words))
