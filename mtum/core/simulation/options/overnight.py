"""What happens to options between two sessions: assignment, exercise, settlement, expiry. Nobody is told by a trade."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import OptionContract, Style
from mtum.core.options.model.ending import Ending, Night, at_expiry, early
from mtum.core.simulation.account_book import adjust_cash, book_fill, with_account, with_position
from mtum.core.simulation.admission import Moment
from mtum.core.simulation.exchange_queries import held_options
from mtum.core.simulation.exchange_state import ExchangeAccount, ExchangeState, Position
from mtum.core.simulation.option_books import OptionEnding
from mtum.core.simulation.options.matching import forget_closed
from mtum.core.simulation.options.venue import OptionPrices


def pass_night(
    state: ExchangeState, moment: Moment, prices: OptionPrices
) -> tuple[ExchangeState, tuple[OptionEnding, ...]]:
    """Bring options from the last session to the moment's: nothing happens twice, and nothing within a session.

    A contract that has traded for the last time ends by the official close of that day, one that opening prices
    settle on their day; one whose close is not known waits. Before that, what was sold is assigned over the night
    where its holder gains by it.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    moment : Moment
        The instant of an operation and the market around it.
    prices : OptionPrices
        The market for options at the instant of an operation. No price of a contract is a fact: it does not trade.
    """
    last = state.session
    if state.options is None or last is None or last >= moment.session.day:
        return state, ()
    found: list[OptionEnding] = []
    for account in state.accounts:
        for contract, count in sorted(held_options(state, account.code).items(), key=lambda row: row[0].con_id):
            ending = (
                _over(contract, count, prices)
                if contract.over_on(moment.session.day)
                else _assigned(contract, count, (last, moment.session.day), prices)
            )
            if ending is not None:
                state = _booked(state, account.code, ending, last)
                found.append(_told(ending, account.code, moment.session.day))
    if not found:
        return state, ()
    books = state.option_books
    state = replace(state, options=replace(books, endings=(*books.endings, *found)))
    return forget_closed(state), tuple(found)


def adjusted(state: ExchangeState, symbols: Collection[str]) -> ExchangeState:
    """Turn the contracts of symbols into adjusted ones, which no listing describes.

    A clearing house does so after a spin-off, a special dividend, and a split that is no whole number; here after
    every split, for nobody here trades them.
    """
    if state.options is None or not symbols:
        return state
    for account in state.accounts:
        after = account
        for contract in held_options(state, account.code):
            if contract.underlying in symbols:
                before = after.position(contract.local_symbol)
                name = replace(contract, trading_class=f"{contract.trading_class[:5]}1").local_symbol
                after = with_position(after, replace(before, shares=Decimal(0)))
                after = with_position(after, replace(before, symbol=name))
        state = with_account(state, after) if after is not account else state
    return forget_closed(state)


def _over(contract: OptionContract, count: int, prices: OptionPrices) -> Ending | None:
    close = prices.close(contract.underlying, contract.expiry)
    return at_expiry(contract, count, close) if close is not None else None


def _assigned(contract: OptionContract, count: int, night: tuple[date, date], prices: OptionPrices) -> Ending | None:
    close = prices.close(contract.underlying, night[0])
    if count >= 0 or contract.style is not Style.AMERICAN or close is None or contract.expiry <= night[0]:
        return None
    gain = close - contract.strike if contract.right is Right.CALL else contract.strike - close
    if gain <= 0:
        return None  # nobody exercises it, so nothing more needs to be asked
    dividends = prices.dividends(contract.underlying, night[0])
    over = Night(*night, close, prices.rate, dividends)
    return early(contract, count, over, prices.opposite(contract, night[0]))


def _booked(state: ExchangeState, code: str, ending: Ending, last: date) -> ExchangeState:
    account = state.account(code)
    assert account is not None
    after = _without(account, ending)
    if ending.shares:
        # At the strike, on the day before: so it settles as a trade of that day.
        price = abs(ending.cash_usd / ending.shares)
        after, _ = book_fill(after, ending.contract.underlying, ending.shares, price, Decimal(0), last)
    else:
        after = adjust_cash(after, ending.cash_usd)
    return with_account(state, after)


def _without(account: ExchangeAccount, ending: Ending) -> ExchangeAccount:
    # The option is closed at nothing; its premium is the profit, or what it is paid is.
    held = account.position(ending.contract.local_symbol)
    left = Position(held.symbol, held.shares - ending.quantity, held.average_cost)
    settled = ending.cash_usd if not ending.shares else Decimal(0)
    realized = account.realized_pnl + settled - held.average_cost * ending.quantity
    return replace(with_position(account, left), realized_pnl=realized)


def _told(ending: Ending, code: str, day: date) -> OptionEnding:
    kind = (ending.kind, ending.shares, ending.cash_usd, ending.told)
    return OptionEnding(day, code, ending.contract, ending.quantity, *kind)
