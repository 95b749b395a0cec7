"""The words a person reads for conditions, reasons and states."""

from collections.abc import Iterable, Sequence

from mtum.core.strategies import loaded_first
from mtum.core.strategies.description import ConditionSpec, Role

REASONS = {
    "hold": "nothing to do",
    "no_place": "it would be bought, but as many symbols are held as allowed",
    "unfit": "its bars cannot be decided on, so nothing is ordered in it",
    "others_unfit": "another symbol's bars cannot be decided on, and it is weighed against that one",
    "below_trade_filter": "the change is too small to be worth an order",
    "idle_cash": "cash that no sleeve spends is kept in the fund",
    "cash_lacking": "a purchase needs cash that is in the fund",
    "sale_carried": "a sale of an earlier decision, barred then, is made good",
    "purchase_carried": "a purchase of an earlier decision is made good",
    "budget_below_one_share": "the budget does not buy one share",
    "other_instrument": "the account holds an instrument on it that is not known",
    "buy_back_exceeds_cash": "buying back what is short costs more than the cash there is",
    "cash_not_settled": "the cash of the last sale has not settled",
    "exit_carried": "the rest of an earlier exit is sold",
    "halted": "trading is halted",
    "daily_loss": "the daily loss limit was reached",
    "stop_loss": "the price has fallen from the entry price to its stop",
    "other_side": "another sleeve sells it today",
    "broken_group": "another leg was assigned: what is left of the group is closed",
    "max_contracts": "more are wanted than one order may have (options.max_contracts)",
    "cash_in_fund": "its cash is in the cash fund, which is sold for it; it waits until that has settled",
    "one_opening": "something is opened in the underlying today already",
    "same_order": "an order with the same legs goes out today already; its turn comes in the next session",
    "no_such_group": "it names no open group",
    "option_undecided": "nobody knows yet what became of its options",
    "flatten": "a person wants it closed",
    "sleeve_closed": "the settings close the sleeve",
    "uncovered_calls": "the call would be uncovered",
    "strategy_loss": "the sleeve's options could lose more than its limit",
    "account_loss": "the account's options could lose more than its limit",
    "merged": "a merger paid the shares out in cash",
    "spun_off": "the shares came of a spin-off, and the sleeve does not trade them",
    "take_profit": "the price has risen from the entry price to its target",
}

SHORT = {"exit_carried": "carried", "daily_loss": "daily loss"}
"""One or two words for a mark in a chart."""

OUTCOMES = {
    "finished": "finished",
    "failed": "FAILED",
    "missed": "MISSED",
    "skipped": "skipped",
    "superseded": "superseded",
    "": "did not run",
}


def condition(name: str) -> ConditionSpec:
    """Return what a strategy of the registry says of its condition; an unknown one is called by its name."""
    for strategy in loaded_first():
        for spec in strategy.CONDITIONS:
            if spec.name == name:
                return spec
    words = name.replace("_", " ")
    return ConditionSpec(name, Role.EXIT, words, f"not: {words}")


def _told(word: str) -> str:
    # What a strategy of the registry says of its own reason; its condition's words where it leaves them to that.
    for strategy in loaded_first():
        if strategy.REASONS.get(word):
            return strategy.REASONS[word]
    for strategy in loaded_first():
        for spec in strategy.CONDITIONS:
            # An opening in options has a reason of its own: a condition of one is told where it did not hold.
            if strategy.OPTIONS and spec.name == word and spec.role is Role.ENTRY:
                return spec.failing
    return condition(word).words


def reason(word: str, settles_by: object = None, unfit: Sequence[str] = ()) -> str:
    """Return the words for a reason; an unknown one is shown as it is.

    Parameters
    ----------
    word : str
        The reason word.
    settles_by : date or str, optional
        Day by which cash that has not settled will have.
    unfit : sequence of str
        Symbols whose bars could not be decided on.
    """
    if word == "unfit" and unfit:
        it = "it" if len(unfit) == 1 else "them"
        return f"the bars of {listed(tuple(unfit))} cannot be decided on, so nothing is ordered in {it}"
    if word == "cash_not_settled" and settles_by:
        return f"{REASONS[word]}; it settles by {settles_by}"
    return REASONS.get(word) or _told(word)


def short(word: str) -> str:
    """Return one or two words for a reason."""
    return SHORT.get(word) or condition(word).short or word.replace("_", " ")


def listed(words: tuple[str, ...], last: str = "and") -> str:
    """Join words as a sentence does: a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def count(number: int, noun: str) -> str:
    """Return a number of things: 1 session, 2 sessions."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def whose(symbol: str, symbols: Iterable[str]) -> str:
    """Return "SYMBOL: " where a table tells of several symbols, else nothing."""
    return f"{symbol}: " if len(set(symbols)) > 1 else ""
