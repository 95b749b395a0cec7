"""The account's limits on purchases: what each measures, and by how much it cuts.

Every limit sees the purchases as the limits before it left them, and everything the account holds after
this session's sales. None stops an exit or a reduction.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil, floor, sqrt

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from mtum.core.coordination.account import Account, AccountRules, Cut, Matrix, Purchase
from mtum.core.portfolio.limits import LossRules, daily_loss_hit, drawdown_hit, fallen_frac
from mtum.core.portfolio.sizing import outlay

type Positions = Mapping[str, Mapping[str, int]]
"""Shares by sleeve and symbol, after this session's sales."""


class Measured(Struct, frozen=True):
    """What a limit measured, and the shares it leaves of the purchases it cuts.

    Parameters
    ----------
    value, threshold : float or None
        Purchases included; None = cannot be known, or no such limit.
    left : mapping of (sleeve, symbol) to int
        Of purchases that it would cut; shares.
    """

    limit: str
    value: float | None
    threshold: float | None
    left: Mapping[tuple[str, str], int]


type Limit = Callable[[Sequence[Purchase], Positions, Account, AccountRules], Iterator[Measured]]

CORRELATION_SESSIONS = 60
VOLATILITY_SESSIONS = 60
VAR_SESSIONS, VAR_LEAST_SESSIONS = 500, 250
VAR_TAIL = 0.05
SESSIONS_A_YEAR = 252
CASH = "account_cash_usd"
"""The last limit: purchases of all sleeves together against the settled cash of the account."""
_STEPS = tuple(step / 10 for step in range(10, -1, -1))


def limited(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> tuple[tuple[Purchase, ...], tuple[Cut, ...]]:
    """Return the purchases as every limit leaves them, and what was cut, in the order of `LIMITS`.

    Parameters
    ----------
    purchases : sequence of Purchase
        Purchases that the sleeves want.
    positions : Positions
        Shares by sleeve and symbol, after this session's sales.
    account : Account
        What all sleeves have in common at the decision.
    rules : AccountRules
        Limits on the purchases of all sleeves together; None and 1.0 mean no limit. And how their cash moves.
    """
    left: tuple[Purchase, ...] = tuple(purchases)
    cuts: list[Cut] = []
    for limit in LIMITS:
        for found in limit(left, positions, account, rules):
            after = tuple(replace(one, shares=found.left.get((one.sleeve, one.symbol), one.shares)) for one in left)
            cuts += [
                Cut(found.limit, old.sleeve, old.symbol, found.value, found.threshold, old.shares, new.shares)
                for old, new in zip(left, after, strict=True)
                if new.shares < old.shares
            ]
            left = after
    return left, tuple(cuts)


def measured(positions: Positions, account: Account, rules: AccountRules) -> tuple[Measured, ...]:
    """Return what every limit in force measures of the positions as they are, nothing bought.

    Parameters
    ----------
    positions : Positions
        Shares by sleeve and symbol, after this session's sales.
    account : Account
        What all sleeves have in common at the decision.
    rules : AccountRules
        Limits on the purchases of all sleeves together; None and 1.0 mean no limit. And how their cash moves.
    """
    found = (each for limit in LIMITS for each in limit((), positions, account, rules))
    return tuple(each for each in found if each.threshold is not None)


def _losses(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Measured]:
    del positions
    losses = account.losses
    bounds = LossRules(rules.daily_loss_usd, max_drawdown_frac=rules.drawdown_frac)
    lost = round(-min(losses.last_change_usd, losses.change_since_usd), 6)
    left = _nothing(purchases) if daily_loss_hit(losses, bounds, account.equity_usd) else {}
    yield Measured("account_daily_loss_usd", lost, rules.daily_loss_usd, left)
    fall = fallen_frac(account.equity_usd, losses)
    left = _nothing(purchases) if drawdown_hit(account.equity_usd, losses, bounds) else {}
    yield Measured("account_drawdown_frac", None if fall is None else round(fall, 6), rules.drawdown_frac, left)


def _symbols(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Measured]:
    bought = [one.symbol for one in purchases]
    # Nothing bought: the largest position is what the limit says something of.
    values = _held(positions, account)
    for symbol in dict.fromkeys(bought or [max(values, key=lambda name: values[name])] if values or bought else ()):
        yield _room("max_symbol_frac", {symbol}, rules.max_symbol_frac, purchases, positions, account)


def _groups(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Measured]:
    left = {(one.sleeve, one.symbol): one for one in purchases}
    for group in rules.groups:
        # A symbol in two groups comes to the second as the first left it.
        found = _room(f"group.{group.name}", {*group.symbols}, group.max_frac, [*left.values()], positions, account)
        left |= {place: replace(left[place], shares=shares) for place, shares in found.left.items()}
        yield found


def _gross(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Measured]:
    every = {*(one.symbol for one in purchases), *_held(positions, account)}
    yield _room("max_gross_frac", every, rules.max_gross_frac, purchases, positions, account)


def _correlation(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Measured]:
    if rules.correlation_penalty <= 0:
        return
    for one in purchases:
        likeness = _mean_correlation(one, positions, account)
        if likeness is None or not one.shares:
            continue
        held = positions.get(one.sleeve, {}).get(one.symbol, 0)
        kept = 1.0 - rules.correlation_penalty * max(0.0, likeness)
        left = max(0, min(one.shares, floor(round((held + one.shares) * kept, 6)) - held))
        yield Measured("correlation_penalty", likeness, rules.correlation_penalty, {(one.sleeve, one.symbol): left})


def _volatility(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Measured]:
    most = rules.target_volatility_frac
    yield from _stepped("target_volatility_frac", most, portfolio_volatility, purchases, positions, account)


def _value_at_risk(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Measured]:
    yield from _stepped("max_var_frac", rules.max_var_frac, value_at_risk, purchases, positions, account)


def _cash(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Measured]:
    # The sleeves' shares of the cash are handed out before; this is the net below them.
    del positions, rules
    wanted = sum(outlay(one.shares, account.prices[one.symbol], one.sizing) for one in purchases)
    room = max(0.0, account.cash_usd)
    left = _by_factor(purchases, room / wanted) if wanted > room + 1e-6 else {}
    yield Measured(CASH, round(wanted, 6), round(room, 6), left)


LIMITS: tuple[Limit, ...] = (
    _losses,
    _symbols,
    _groups,
    _gross,
    _correlation,
    _volatility,
    _value_at_risk,
    _cash,
)
"""Every limit of the account in the order in which it is asked; a new one is a function and a line here."""


def portfolio_volatility(values: Mapping[str, float], account: Account) -> float | None:
    """Return the yearly volatility of these positions as a fraction of the account's equity.

    Sample deviation of the last 60 daily total returns that all of them have; None if there are fewer.

    Parameters
    ----------
    values : mapping of symbol to float
        USD held in each symbol.
    """
    changes = daily_changes(values, account, VOLATILITY_SESSIONS, VOLATILITY_SESSIONS)
    if changes is None:
        return None
    return round(float(np.std(changes, ddof=1)) * sqrt(SESSIONS_A_YEAR), 6) if len(changes) else 0.0


def value_at_risk(values: Mapping[str, float], account: Account) -> float | None:
    """Return the historical one-day value at risk (95 %) as a fraction of the account's equity.

    The ceil(0.05 n)-th largest loss these positions would have had on the last n = 500 sessions; None
    if all of them have fewer than 250 returns in common. A gain counts as a negative loss.
    """
    changes = daily_changes(values, account, VAR_SESSIONS, VAR_LEAST_SESSIONS)
    if changes is None:
        return None
    return round(-float(np.sort(changes)[ceil(round(VAR_TAIL * len(changes), 9)) - 1]), 6) if len(changes) else 0.0


def daily_changes(values: Mapping[str, float], account: Account, sessions: int, least: int) -> Matrix | None:
    """Return the daily changes of these positions as fractions of the account's equity, oldest first.

    Empty where nothing is held; None if all of them have fewer than `least` returns in common.

    Parameters
    ----------
    values : mapping of symbol to float
        USD held in each symbol.
    account : Account
        What all sleeves have in common at the decision.
    sessions, least : int
        Newest sessions looked at, and how many are needed.
    """
    held = [symbol for symbol, value in values.items() if value]
    if not held:
        return np.empty(0)
    shared = account.returns.shared(held, sessions)
    if shared is None or len(shared) < least or account.equity_usd <= 0:
        return None
    # Summed symbol by symbol: the same bits on every machine, which a matrix product does not promise.
    return np.asarray(sum(shared[:, place] * values[symbol] for place, symbol in enumerate(held))) / account.equity_usd


def _mean_correlation(one: Purchase, positions: Positions, account: Account) -> float | None:
    """Return the value-weighted mean correlation with what the account holds; None without 60 common returns."""
    values: dict[str, float] = {}
    for sleeve, held in positions.items():
        for symbol, shares in held.items():
            if shares > 0 and (symbol != one.symbol or sleeve != one.sleeve):
                values[symbol] = values.get(symbol, 0.0) + shares * account.prices[symbol]
    measured = {}
    for symbol, value in values.items():
        likeness = 1.0 if symbol == one.symbol else correlation(one.symbol, symbol, account)
        if likeness is not None:
            measured[symbol] = (likeness, value)
    total = sum(value for _, value in measured.values())
    if total <= 0:
        return None
    return round(sum(likeness * value for likeness, value in measured.values()) / total, 6)


def correlation(first: str, second: str, account: Account) -> float | None:
    """Return the correlation of the last 60 daily total returns of two symbols; None if there are fewer.

    Parameters
    ----------
    first : str
        A symbol.
    second : str
        The other symbol.
    account : Account
        What all sleeves have in common at the decision.
    """
    shared = account.returns.shared((first, second), CORRELATION_SESSIONS)
    if shared is None or len(shared) < CORRELATION_SESSIONS:
        return None
    ours, theirs = (shared[:, side] - shared[:, side].mean() for side in (0, 1))
    spread = sqrt(float(np.sum(ours * ours)) * float(np.sum(theirs * theirs)))
    return round(float(np.sum(ours * theirs)) / spread, 6) if spread > 0 else None


def _values(purchases: Sequence[Purchase], positions: Positions, account: Account, factor: float) -> dict[str, float]:
    # USD in each symbol after sales and this part of the purchases.
    values: dict[str, float] = {}
    for held in positions.values():
        for symbol, shares in held.items():
            values[symbol] = values.get(symbol, 0.0) + shares * account.prices[symbol]
    for one in purchases:
        values[one.symbol] = values.get(one.symbol, 0.0) + one.scaled(factor) * account.prices[one.symbol]
    return values


def _held(positions: Positions, account: Account) -> dict[str, float]:
    # USD in each symbol after sales, what options on it count with included.
    values = _values((), positions, account, 0.0)
    for symbol, usd in account.options_usd.items():
        values[symbol] = values.get(symbol, 0.0) + usd
    return values


def _room(
    name: str,
    symbols: set[str],
    most_frac: float,
    purchases: Sequence[Purchase],
    positions: Positions,
    account: Account,
) -> Measured:
    # What may be added to these symbols together, against what is wanted.
    here = [one for one in purchases if one.symbol in symbols]
    wanted = sum(one.shares * account.prices[one.symbol] for one in here)
    held = sum(value for symbol, value in _held(positions, account).items() if symbol in symbols)
    room = most_frac * account.equity_usd - held
    value = round((held + wanted) / account.equity_usd, 6) if account.equity_usd > 0 else None
    left = _by_factor(here, room / wanted) if wanted > 0 and wanted > room + 1e-6 else {}
    return Measured(name, value, most_frac, left)


def _stepped(
    name: str,
    most: float | None,
    measure: Callable[[Mapping[str, float], Account], float | None],
    purchases: Sequence[Purchase],
    positions: Positions,
    account: Account,
) -> Iterator[Measured]:
    # The largest tenth of the purchases whose whole shares keep the limit; nothing where it cannot be measured.
    if most is None:
        return
    first = measure(_values(purchases, positions, account, 1.0), account)
    for factor in _STEPS:
        found = first if factor == 1.0 else measure(_values(purchases, positions, account, factor), account)
        if factor == 0.0 or (found is not None and found <= most):
            yield Measured(name, first, most, _by_factor(purchases, factor))
            return


def _by_factor(purchases: Sequence[Purchase], factor: float) -> dict[tuple[str, str], int]:
    return {(one.sleeve, one.symbol): one.scaled(factor) for one in purchases}


def _nothing(purchases: Sequence[Purchase]) -> dict[tuple[str, str], int]:
    return _by_factor(purchases, 0.0)
