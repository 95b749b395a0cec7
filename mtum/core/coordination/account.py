"""The account at a decision: what its sleeves hold and want, and the limits it keeps."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import floor, inf

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from mtum.core.coordination.transfers import FundRules, TransferRules
from mtum.core.market.bars import Bars, total_return
from mtum.core.portfolio.decision import PlannedOrder
from mtum.core.portfolio.limits import LossState, Restriction
from mtum.core.portfolio.sizing import SizingRules

type Matrix = NDArray[np.float64]


class SymbolGroup(Struct, frozen=True):
    """Symbols that together may be no more than a fraction of the account's equity."""

    name: str
    symbols: tuple[str, ...]
    max_frac: float


class AccountRules(Struct, frozen=True):
    """Limits on the purchases of all sleeves together; None and 1.0 mean no limit. And how their cash moves.

    Parameters
    ----------
    daily_loss_usd, drawdown_frac : float or None
        Losses of the account at which nothing is bought.
    max_symbol_frac, max_gross_frac : float
        Largest position in one symbol, and of all together, as fractions of the account's equity.
    groups : tuple of SymbolGroup
        In the order of the settings.
    correlation_penalty : float
        Part of a position that is given up at a mean correlation of 1 with the rest; 0 = none.
    target_volatility_frac : float or None
        Largest volatility of the account, a year, as a fraction.
    max_var_frac : float or None
        Largest one-day value at risk (95 %, historical) as a fraction of equity.
    fund : FundRules or None
        What of the idle cash is kept in the fund.
    transfers : TransferRules
        When cash moves between the sleeves.
    """

    daily_loss_usd: float | None = None
    drawdown_frac: float | None = None
    max_symbol_frac: float = 1.0
    groups: tuple[SymbolGroup, ...] = ()
    max_gross_frac: float = 1.0
    correlation_penalty: float = 0.0
    target_volatility_frac: float | None = None
    max_var_frac: float | None = None
    fund: FundRules | None = None
    transfers: TransferRules = TransferRules()


class Returns(Struct, frozen=True):
    """Daily total returns of several symbols on the sessions that any of them has.

    Parameters
    ----------
    columns : mapping of symbol to int
        Column of each symbol in `table`.
    table : Matrix
        Shape (sessions, symbols), fractions, oldest first; NaN where a symbol has no return.
    """

    columns: Mapping[str, int]
    table: Matrix

    @classmethod
    def of(cls, bars: Mapping[str, Bars], sessions: int) -> "Returns":
        """Return the returns of the last `sessions` sessions, dividends reinvested."""
        found = {symbol: [column[-sessions:] for column in total_returns(each)] for symbol, each in bars.items()}
        days = sorted({day for days, _ in found.values() for day in days.tolist()})[-sessions:]
        rows = {day: row for row, day in enumerate(days)}
        table = np.full((len(days), len(found)), np.nan)
        for column, (of_symbol, values) in enumerate(found.values()):
            for day, value in zip(of_symbol.tolist(), values.tolist(), strict=True):
                if day in rows:
                    table[rows[day], column] = value
        return cls({symbol: column for column, symbol in enumerate(found)}, table)

    def shared(self, symbols: Sequence[str], sessions: int) -> Matrix | None:
        """Return the newest returns that all of these symbols have; None where one is unknown.

        Shape (at most `sessions`, symbols), fractions.
        """
        if any(symbol not in self.columns for symbol in symbols):
            return None
        chosen = self.table[:, [self.columns[symbol] for symbol in symbols]]
        return chosen[~np.isnan(chosen).any(axis=1)][-sessions:]


def total_returns(bars: Bars) -> tuple[NDArray[np.datetime64], Matrix]:
    """Return the days and daily returns of split-adjusted bars, dividends reinvested at the ex-date's close."""
    closes = total_return(bars).close
    return bars.days[1:], closes[1:] / closes[:-1] - 1.0


class Purchase(Struct, frozen=True):
    """A purchase that one sleeve wants, and how much of it the limits have left.

    Parameters
    ----------
    least_usd : float
        Smallest trade its strategy makes; a purchase cut below it is not made.
    """

    sleeve: str
    order: PlannedOrder
    shares: int
    sizing: SizingRules
    least_usd: float

    @property
    def symbol(self) -> str:
        """Symbol bought."""
        return self.order.symbol

    def scaled(self, factor: float) -> int:
        """Return the whole shares left of it by a factor from 0 to 1."""
        return floor(round(self.shares * max(0.0, min(1.0, factor)), 6))


class Cut(Struct, frozen=True):
    """What a limit took from one purchase.

    Parameters
    ----------
    limit : str
        Its setting.
    value, threshold : float or None
        What was measured, the purchase included, and what is allowed; None = cannot be known.
    before, after : int
        Shares.
    """

    limit: str
    sleeve: str
    symbol: str
    value: float | None
    threshold: float | None
    before: int
    after: int


class SleeveWants(Struct, frozen=True):
    """What one sleeve holds and wants this session, in the order of its verdicts.

    Parameters
    ----------
    shares : mapping of symbol to int
        All its shares, also those that cannot be sold today.
    """

    name: str
    shares: Mapping[str, int]
    orders: tuple[PlannedOrder, ...]
    sizing: SizingRules
    least_usd: float = 0.0


class Account(Struct, frozen=True):
    """What all sleeves have in common at the decision.

    Parameters
    ----------
    prices : mapping of symbol to float
        The decision's prices, USD.
    equity_usd : float
        Sum of the sleeves' equity.
    cash_usd : float
        What may be spent at the broker, settled.
    returns : Returns
        For the limits that need a history.
    uncrossable : mapping of symbol to str
        Symbols in which nothing is crossed, with the reason word.
    approved : mapping of sleeve to mapping of symbol to int
        Shares that a person has approved of each order that needs it, 0 for none yet.
    options_usd : mapping of symbol to float
        What open options and their orders count with, by underlying, beside shares.
    """

    session: date
    prices: Mapping[str, float]
    equity_usd: float
    cash_usd: float
    losses: LossState = field(default_factory=LossState)
    restriction: Restriction = Restriction.NONE
    returns: Returns = field(default_factory=lambda: Returns({}, np.empty((0, 0))))
    uncrossable: Mapping[str, str] = field(default_factory=dict)
    approved: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    options_usd: Mapping[str, float] = field(default_factory=dict)

    def waits(self, one: "SleeveOrder") -> bool:
        """Return whether an order waits for a person's word."""
        return one.order.shares > self.approved.get(one.sleeve, {}).get(one.order.symbol, inf)


class SleeveOrder(Struct, frozen=True):
    """One sleeve's order after coordination.

    Parameters
    ----------
    order : PlannedOrder
        With the shares that were left by the limits.
    crossed : int
        Shares of it that change hands between sleeves; the rest goes to the broker.
    """

    sleeve: str
    order: PlannedOrder
    crossed: int = 0

    @property
    def sent(self) -> int:
        """Shares for the broker."""
        return self.order.shares - self.crossed


class AccountPlan(Struct, frozen=True):
    """What the account does in one session.

    Parameters
    ----------
    orders : tuple of SleeveOrder
        Sleeve by sleeve in the order of the settings, those of a sleeve in its own order.
    cuts : tuple of Cut
        In the order of the limits.
    held_back : tuple of (sleeve, symbol, str)
        Purchases that were not made, with the reason word.
    """

    orders: tuple[SleeveOrder, ...]
    cuts: tuple[Cut, ...] = ()
    held_back: tuple[tuple[str, str, str], ...] = ()
