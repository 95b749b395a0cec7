"""Implied volatilities of underlyings as their own options tell them, for strategies that rank them."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from mtum.app.desk import Desk
from mtum.core.market.sessions import Session
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.strategies.option_words import IV_SESSIONS, own_volatility
from mtum.errors import MtumError
from mtum.ports.market_data import SourceCall, TellsVolatility

_BACK = timedelta(days=round(IV_SESSIONS * 1.5) + 15)


def ranked_by(strategies: Iterable[Strategy]) -> tuple[str, ...]:
    """Return the underlyings whose implied volatility these strategies rank, each once."""
    every = (symbol for one in strategies if isinstance(one, OptionStrategy) for symbol in one.ranked())
    return tuple(dict.fromkeys(every))


def volatility_calls(desk: Desk, session: Session) -> list[SourceCall]:
    """Return what a source has to be asked: one question for each underlying that is ranked."""
    symbols = ranked_by(one.strategy for one in desk.deciding)
    return [SourceCall("volatility", (symbol, session.day - _BACK, session.day)) for symbol in symbols]


def own_volatilities(desk: Desk, session: Session) -> dict[str, Mapping[date, float]]:
    """Return by name the series that is told whole: today's value and those of the sessions it is ranked in.

    The source of bars is asked, then the chains that were recorded. What neither tells, or not far enough back, is
    left out without a word: an index stands for it then, and the record of the decision names the series it used.
    """
    found: dict[str, Mapping[date, float]] = {}
    tellers: tuple[object, ...] = (desk.source, desk.chains)
    for teller in tellers:
        if not isinstance(teller, TellsVolatility):
            continue
        for call in volatility_calls(desk, session):
            try:
                told = teller.volatility(*call.arguments)
            except MtumError:
                continue
            if session.day in told and len(told) >= IV_SESSIONS:
                found.setdefault(own_volatility(call.arguments[0]), told)
    return found
