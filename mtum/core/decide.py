"""The whole decision in one call: market view, own book and rules in, decision out."""

import dataclasses
from collections.abc import Mapping
from math import floor

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.market.coverage import Dividends
from mtum.core.portfolio.decision import (
    STANDING_SESSIONS,
    Action,
    Book,
    Decision,
    PlannedOrder,
    PortfolioRules,
    Standing,
)
from mtum.core.portfolio.limits import LossState, Restriction, daily_loss_hit, drawdown_hit
from mtum.core.portfolio.orders import Purpose, Side
from mtum.core.portfolio.sizing import SizingRules, budget, outlay, shares_for
from mtum.core.portfolio.stops import stopped_after
from mtum.core.strategies.answers import UNFIT, asked, remembered, scaled
from mtum.core.strategies.contract import Abstain, Keep, Own, Shares, Strategy, SymbolVerdict, Target
from mtum.core.view import MarketView

CARRIED, SALE_CARRIED, EXIT_CARRIED = "purchase_carried", "sale_carried", "exit_carried"
BELOW_FILTER = "below_trade_filter"
FAILED = "strategy_failed"
"""Reason word: the strategy ended in an error and abstains."""
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
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    book : Book
        The sleeve's holdings, cash and restrictions; `book.losses.change_since_usd` is
        measured here when the caller gives the last official equity through `loss_state`.
    rules : PortfolioRules
        Sizing, loss limits and stops of the sleeve.

    Raises
    ------
    ValueError
        If the frame is shorter than the strategy asks for.
    """
    view, needed = _fit(view, strategy), strategy.history_sessions()
    for symbol in (*strategy.universe(), *strategy.reads()):
        if symbol not in view.unfit and len(view.bars[symbol]) < needed:
            raise ValueError(f"{symbol}: {len(view.bars[symbol])} bars, {needed} needed")
    verdicts = asked(view, strategy, _own(strategy, book, equity_at(book, view.prices)))
    return ordered(view, strategy, book, rules, verdicts)


def ordered(
    view: MarketView, strategy: Strategy, book: Book, rules: PortfolioRules, verdicts: tuple[SymbolVerdict, ...]
) -> Decision:
    """Turn verdicts into orders, as `decide` does.

    Parameters
    ----------
    view : MarketView
        Ends at the session being decided.
    strategy : Strategy
        Whose verdicts they are.
    book : Book
        The sleeve's holdings, cash and restrictions.
    rules : PortfolioRules
        Sizing, loss limits and stops of the sleeve.
    verdicts : tuple of SymbolVerdict
        What it said of its symbols, in its order.
    """
    prices = view.prices
    equity = equity_at(book, prices)
    lost = daily_loss_hit(book.losses, rules.losses, equity)
    fallen = drawdown_hit(equity, book.losses, rules.losses)
    flatten = lost and rules.losses.flatten_on_daily_loss
    stopped = stopped_after(verdicts, book, view.unfit, prices, rules.stops)
    if stopped or book.stopped:
        book = replace(book, stopped=stopped, entries_barred={**stopped, **book.entries_barred})
    waiting = _waiting(view, strategy, book)
    forced = (one if one.symbol in view.unfit else _forced(one, book, flatten=flatten) for one in verdicts)
    wishes = tuple(one if one.symbol in view.unfit else _carried(one, waiting) for one in scaled(tuple(forced)))
    barred = entry_bar(book, lost=lost, fallen=fallen)
    terms = _Terms(equity, prices, rules.sizing, strategy.least_trade_usd(equity), strategy.NEVER_SELLS)
    covers, cover_notes = _covers(view, book, prices, rules.sizing)
    sales, sale_notes, kept_back = _sales(wishes, book, terms)
    taken = sum(outlay(order.shares, prices[order.symbol], rules.sizing) for order in covers)
    bought = _buys(wishes, book, book.available_usd - taken, terms, barred)
    wanted = bought.wanted if strategy.STANDING_PURCHASES or book.in_fund else {}
    own = {one.symbol for one, wish in zip(verdicts, wishes, strict=True) if one.reasons == wish.reasons}
    kept_back = {symbol: left for symbol, left in kept_back.items() if strategy.STANDING_SALES and symbol in own}
    orders = tuple(sorted((*covers, *sales, *bought.orders), key=lambda order: _ORDER_OF_WORK.index(order.purpose)))
    return Decision(
        session=view.session,
        strategy=strategy.name,
        action=_action(orders),
        reasons=_reasons(orders, wishes, cover_notes + sale_notes + tuple(bought.notes)),
        # What is bought now of an earlier wish keeps what that one was to keep.
        verdicts=tuple(
            one if one.remember is wish.remember else replace(one, remember=wish.remember)
            for one, wish in zip(verdicts, wishes, strict=True)
        ),
        orders=orders,
        equity_usd=equity,
        daily_loss_hit=lost,
        drawdown_hit=fallen,
        memory=remembered(book.memory, verdicts),
        standing=_standing(view, wishes, waiting, wanted, kept_back),
        stopped=stopped,
    )


def own_state(view: MarketView, strategy: Strategy, book: Book) -> Own:
    """Return what the strategy knows of its own sleeve at this decision.

    Parameters
    ----------
    view : MarketView
        Everything a strategy may look at for one session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    book : Book
        What the sleeve holds and may spend at the decision.
    """
    return _own(strategy, book, equity_at(book, _fit(view, strategy).prices))


def _own(strategy: Strategy, book: Book, equity: float) -> Own:
    return Own(book.holdings, book.cash_usd, equity, book.last_fill if strategy.CALENDAR else None, book.memory)


def abstained(view: MarketView, strategy: Strategy, book: Book, reason: str) -> Decision:
    """Return the decision of a strategy that could not be asked: nothing is ordered, whatever it holds.

    Parameters
    ----------
    view : MarketView
        Everything a strategy may look at for one session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    book : Book
        What the sleeve holds and may spend at the decision.
    reason : str
        Why, as a reason word.
    """
    return Decision(
        session=view.session,
        strategy=strategy.name,
        action=Action.NONE,
        reasons=(reason,),
        verdicts=tuple(SymbolVerdict(symbol, Abstain(), (reason,), (), {}) for symbol in strategy.universe()),
        orders=(),
        equity_usd=equity_at(book, view.prices),
        memory=book.memory,
        standing=book.standing,
        stopped=book.stopped,
    )


def equity_at(book: Book, prices: Mapping[str, float]) -> float:
    """Return the sleeve's equity in USD: cash, dividends receivable, options, and shares at these prices."""
    held = sum(holding.shares * prices[symbol] for symbol, holding in book.holdings.items() if holding.shares)
    unsellable = sum(shares * prices[symbol] for symbol, shares in book.unsellable_shares.items())
    return book.cash_usd + book.receivable_usd + held + unsellable + book.options_usd


def with_change_since(book: Book, prices: Mapping[str, float], last_official_equity_usd: float | None) -> Book:
    """Return the book with the change since the last official close filled in.

    Parameters
    ----------
    book : Book
        What the sleeve holds and may spend at the decision.
    prices : mapping of str to float
        Price by symbol, USD per share.
    last_official_equity_usd : float or None
        Equity at the last official close, USD; None before the first.
    """
    if last_official_equity_usd is None:
        return book
    change = equity_at(book, prices) - last_official_equity_usd
    losses: LossState = replace(book.losses, change_since_usd=round(change, 6))
    return replace(book, losses=losses)


def _fit(view: MarketView, strategy: Strategy) -> MarketView:
    # Without its dividends a symbol has no total return: it is unfit for a strategy that needs them.
    if not strategy.TOTAL_RETURNS:
        return view
    unknown = [symbol for symbol in view.bars if view.dividends.get(symbol) is Dividends.UNKNOWN]
    if not unknown:
        return view
    closes = {symbol: float(view.bars[symbol].close[-1]) for symbol in unknown}
    bars = {symbol: bars for symbol, bars in view.bars.items() if symbol not in closes}
    return dataclasses.replace(view, bars=bars, unfit={**view.unfit, **closes})


def _forced(verdict: SymbolVerdict, book: Book, *, flatten: bool) -> SymbolVerdict:
    held = _held(book, verdict.symbol)
    original = book.exit_pending.get(verdict.symbol)
    if held and original is not None:
        return replace(verdict, verdict=_SELL_ALL, reasons=(EXIT_CARRIED, original))
    if held and verdict.symbol in book.forced_exits:
        return replace(verdict, verdict=_SELL_ALL, reasons=(book.forced_exits[verdict.symbol],))
    if held and verdict.symbol in book.stopped and not verdict.sells_all:
        return replace(verdict, verdict=_SELL_ALL, reasons=(book.stopped[verdict.symbol],))
    if held and flatten and not verdict.sells_all:
        return replace(verdict, verdict=_SELL_ALL, reasons=("daily_loss",))
    return verdict


def _waiting(view: MarketView, strategy: Strategy, book: Book) -> dict[str, Standing]:
    # What was wanted earlier and still stands; what a person or a limit sold is not bought back.
    ended = book.forced_exits.keys() | book.exit_pending.keys() | book.stopped.keys()

    def stands(one: Standing) -> bool:
        held = _held(book, one.symbol)
        if one.sells:
            return strategy.STANDING_SALES and held > one.shares
        if not strategy.STANDING_PURCHASES:
            # The book has dropped purchases that are too old already.
            return book.in_fund and held < one.shares
        return held < one.shares and view.sessions_since(one.since) <= STANDING_SESSIONS

    return {one.symbol: one for one in book.standing if one.symbol not in ended and stands(one)}


def _carried(verdict: SymbolVerdict, waiting: Mapping[str, Standing]) -> SymbolVerdict:
    standing = waiting.get(verdict.symbol)
    if standing is None or not isinstance(verdict.verdict, Keep | Abstain):
        return verdict
    word = SALE_CARRIED if standing.sells else CARRIED
    reasons = (word, standing.reason)
    return replace(verdict, verdict=Shares(standing.shares), reasons=reasons, remember=standing.remember)


def _standing(
    view: MarketView,
    wishes: tuple[SymbolVerdict, ...],
    waiting: Mapping[str, Standing],
    wanted: Mapping[str, int],
    kept_back: Mapping[str, int],
) -> tuple[Standing, ...]:
    found = []
    for wish in wishes:
        before, symbol, reason = waiting.get(wish.symbol), wish.symbol, wish.reasons[0]
        if before is not None and (reason in (CARRIED, SALE_CARRIED) or wish.reasons == (UNFIT,)):
            found.append(before)
        elif symbol in wanted:
            found.append(Standing(symbol, wanted[symbol], view.session, reason, wish.remember))
        elif symbol in kept_back:
            found.append(Standing(symbol, kept_back[symbol], view.session, reason, sells=True))
    return tuple(found)


def entry_bar(book: Book, *, lost: bool, fallen: bool) -> str | None:
    """Return the reason word why a sleeve opens nothing today, None where it may.

    Parameters
    ----------
    book : Book
        What the sleeve holds and may spend at the decision.
    lost : bool
        Whether the daily-loss limit is reached.
    fallen : bool
        Whether the drawdown limit is reached.
    """
    if book.restriction is not Restriction.NONE or fallen:
        return "halted"
    if lost or book.losses.paused:
        return "daily_loss"
    return None


def _held(book: Book, symbol: str) -> int:
    held = book.holdings.get(symbol)
    return held.shares if held else 0


class _Terms(Struct, frozen=True):
    # What turns a weight into shares, the smallest change worth an order, and whether a target may reduce.
    equity: float
    prices: Mapping[str, float]
    sizing: SizingRules
    least_usd: float
    never_sells: bool


def _wanted(verdict: SymbolVerdict, held: int, terms: _Terms, sizing: SizingRules) -> int | None:
    """Shares to end with; None leaves them alone.

    Buying has a cost, holding has none: between what could be bought and what may be held nothing is done.
    """
    if verdict.sells_all:
        return 0 if held else None
    equity = terms.equity
    match verdict.verdict:
        case Target(weight):
            price = terms.prices[verdict.symbol]
            bought = shares_for(budget(weight, equity, sizing), price, sizing)
            return max(bought, min(held, floor(min(weight, sizing.max_position_frac) * equity / price)))
        case Shares(count):
            most = shares_for(budget(1.0, equity, sizing), terms.prices[verdict.symbol], sizing)
            return count if count <= held else max(held, min(count, most))
        case _:
            return None


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
    terms: _Terms,
) -> tuple[list[PlannedOrder], tuple[str, ...], dict[str, int]]:
    # Orders, why others were not made, and the shares that each sale which was barred was to leave.
    orders: list[PlannedOrder] = []
    notes: list[str] = []
    kept_back: dict[str, int] = {}
    for verdict in verdicts:
        held = _held(book, verdict.symbol)
        wanted = _wanted(verdict, held, terms, terms.sizing)
        if wanted is None or wanted >= held or (terms.never_sells and not verdict.sells_all):
            continue
        bar = "halted" if book.restriction is Restriction.FULL else book.exits_barred.get(verdict.symbol)
        if bar:
            notes.append(bar)
            kept_back[verdict.symbol] = wanted
        elif wanted and (held - wanted) * terms.prices[verdict.symbol] < terms.least_usd:
            notes.append(BELOW_FILTER)
        else:
            purpose = Purpose.REDUCE if wanted else Purpose.EXIT
            orders.append(PlannedOrder(verdict.symbol, Side.SELL, purpose, held - wanted, verdict.reasons))
    return orders, tuple(notes), kept_back


class _Bought(Struct, frozen=True):
    # Orders, why others were not made, and the shares each purchase was to end with.
    orders: list[PlannedOrder] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wanted: dict[str, int] = field(default_factory=dict)


def _buys(
    verdicts: tuple[SymbolVerdict, ...],
    book: Book,
    cash: float,
    terms: _Terms,
    barred: str | None,
) -> _Bought:
    found = _Bought()
    sizing, least_usd = terms.sizing, terms.least_usd
    for verdict in verdicts:
        held = _held(book, verdict.symbol)
        wanted = _wanted(verdict, held, terms, sizing)
        if wanted is None or wanted < held or (wanted == held and held):
            continue
        price = terms.prices[verdict.symbol]
        if held and (wanted - held) * price < least_usd:
            found.notes.append(BELOW_FILTER)
            continue
        if wanted > held:
            found.wanted[verdict.symbol] = wanted
        bar = barred or book.entries_barred.get(verdict.symbol)
        if bar:
            found.notes.append(bar)
            continue
        shares = min(wanted - held, shares_for(cash, price, sizing))
        if shares < 1:
            unsettled_would_do = wanted and shares_for(cash + book.unsettled_usd, price, sizing)
            found.notes.append("cash_not_settled" if unsettled_would_do else "budget_below_one_share")
            continue
        if shares * price < least_usd:
            unlimited = replace(sizing, max_position_frac=1.0, max_position_usd=float("inf"))
            if shares < (_wanted(verdict, held, terms, unlimited) or 0) - held:
                found.notes.append(BELOW_FILTER)
                continue
        cash -= outlay(shares, price, sizing)
        purpose = Purpose.INCREASE if held else Purpose.ENTER
        found.orders.append(PlannedOrder(verdict.symbol, Side.BUY, purpose, shares, verdict.reasons))
    return found


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
