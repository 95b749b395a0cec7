"""Buy-and-hold of the same symbol with the same money: what every result is compared with."""

from collections.abc import Mapping
from datetime import date
from math import floor
from types import MappingProxyType

import numpy as np
from msgspec import Struct

from mtum.core.market.bars import Bars, Column
from mtum.core.portfolio.costs import CostModel
from mtum.core.portfolio.money import exact

NO_FLOWS: Mapping[date, float] = MappingProxyType({})
NO_MOVES: Mapping[int, float] = MappingProxyType({})


class Held(Struct, frozen=True, eq=False):
    """Buy-and-hold after each session, shape (n_sessions,): shares, fractions included, cash and worth in USD."""

    shares: Column
    cash_usd: Column
    value_usd: Column


def buy_and_hold(
    bars: Bars, start: date, capital_usd: float, costs: CostModel, flows: Mapping[date, float] = NO_FLOWS
) -> Held | None:
    """Return buy-and-hold of these bars from a day on, or None when they end before it (see `held_from`).

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    start : date
        First session.
    capital_usd : float
        Starting capital, USD.
    costs : CostModel
        Any way of charging.
    flows : mapping of session to float
        Deposits (above zero) and withdrawals (below zero) in USD; those up to the first session are part of
        what is bought there, that of a day without a bar is used at the next one.
    """
    held = bars.since(start)
    moved: dict[int, float] = {}
    for day, usd in flows.items():
        index = int(np.searchsorted(held.days, np.datetime64(day)))
        moved[index] = moved.get(index, 0.0) + usd
    return held_from(held.close, held.dividend, capital_usd, costs, moved) if len(held) else None


def held_from(
    close: Column, dividend: Column, capital_usd: float, costs: CostModel, moved: Mapping[int, float] = NO_MOVES
) -> Held:
    """Buy at the first of these closes and hold.

    Whole shares are bought at the first close and whenever money is added, each time with one commission;
    dividends are reinvested at the close of their ex-date without cost; money taken out is raised by selling
    at that close.

    Parameters
    ----------
    close, dividend : ndarray, shape (n_sessions,)
        USD per share; the dividend of the first session belongs to whoever held before.
    capital_usd : float
        Starting capital, USD.
    costs : CostModel
        Any way of charging.
    moved : mapping of int to float
        Deposits less withdrawals in USD by position; one past the last close stays cash.
    """
    last = len(close) - 1
    shares, cash = _bought(0.0, capital_usd + moved.get(0, 0.0), float(close[0]), costs)
    found = Held(np.full(len(close), shares), np.full(len(close), cash), np.empty(len(close)))
    for index in sorted({*moved, *(int(one) for one in np.flatnonzero(dividend[1:]) + 1)} - {0}):
        cash += moved.get(index, 0.0)
        if index <= last:
            price = float(close[index])
            shares += shares * float(dividend[index]) / price
            if cash < 0:
                shares, cash = shares + cash / price, 0.0
            elif moved.get(index, 0.0) > 0:
                shares, cash = _bought(shares, cash, price, costs)
        found.shares[min(index, last) :], found.cash_usd[min(index, last) :] = shares, cash
    found.value_usd[:] = found.cash_usd + found.shares * close
    return found


def _bought(shares: float, cash: float, close: float, costs: CostModel) -> tuple[float, float]:
    # The largest number that the cash pays for; halved, as a schedule may take part of very many shares.
    price, count, too_many = exact(close), 0, floor(cash / close) + 1
    while too_many - count > 1:
        middle = (count + too_many) // 2
        paid = middle * close + float(costs.commission(middle, price)) <= cash
        count, too_many = (middle, too_many) if paid else (count, middle)
    if count <= 0:
        return shares, cash
    return shares + count, cash - count * close - float(costs.commission(count, price))
