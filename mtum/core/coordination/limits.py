"""The account's limits on purchases: what each measures, and by how much it cuts.

Every limit sees the purchases as the limits before it left them, and everything the account holds after
this session's sales. None stops an exit or a reduction.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil, floor, inf, sqrt

import numpy as np

from mtum.core.coordination.account import Account, AccountRules, Cut, Matrix, Purchase
from mtum.core.portfolio.limits import LossRules, daily_loss_hit, drawdown_hit
from mtum.core.portfolio.sizing import outlay

type Positions = Mapping[str, Mapping[str, int]]
"""Shares by sleeve and symbol, after this session's sales."""
type Limit = Callable[[Sequence[Purchase], Positions, Account, AccountRules], Iterator[Cut]]

CORRELATION_SESSIONS = 60
VOLATILITY_SESSIONS = 60
VAR_SESSIONS, VAR_LEAST_SESSIONS = 500, 250
VAR_TAIL = 0.05
SESSIONS_A_YEAR = 252
_STEPS = tuple(step / 10 for step in range(10, -1, -1))


def limited(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> tuple[tuple[Purchase, ...], tuple[Cut, ...]]:
    """Return the purchases as every limit leaves them, and what was cut, in the order of `LIMITS`."""
    left: tuple[Purchase, ...] = tuple(purchases)
    cuts: list[Cut] = []
    for limit in LIMITS:
        found = tuple(limit(left, positions, account, rules))
        after = {(cut.sleeve, cut.symbol): cut.after for cut in found}
        left = tuple(replace(one, shares=after.get((one.sleeve, one.symbol), one.shares)) for one in left)
        cuts += found
    return left, tuple(cuts)


def _losses(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Cut]:
    del positions
    bounds = LossRules(
        inf if rules.daily_loss_usd is None else rules.daily_loss_usd, max_drawdown_frac=rules.drawdown_frac
    )
    lost = min(account.losses.last_change_usd, account.losses.change_since_usd)
    if daily_loss_hit(account.losses, bounds):
        yield from _by_factor("account_daily_loss_usd", purchases, 0.0, round(-lost, 6), rules.daily_loss_usd)
    elif drawdown_hit(account.equity_usd, account.losses, bounds):
        fall = 1.0 - (account.equity_usd - account.losses.flows_since_usd) / account.losses.peak_equity_usd
        yield from _by_factor("account_drawdown_frac", purchases, 0.0, round(fall, 6), rules.drawdown_frac)


def _symbols(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Cut]:
    for symbol in dict.fromkeys(one.symbol for one in purchases):
        yield from _room("max_symbol_frac", {symbol}, rules.max_symbol_frac, purchases, positions, account)


def _groups(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Cut]:
    left = {(one.sleeve, one.symbol): one for one in purchases}
    for group in rules.groups:
        # A symbol in two groups comes to the second as the first left it.
        for cut in _room(f"group.{group.name}", {*group.symbols}, group.max_frac, [*left.values()], positions, account):
            left[cut.sleeve, cut.symbol] = replace(left[cut.sleeve, cut.symbol], shares=cut.after)
            yield cut


def _gross(purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules) -> Iterator[Cut]:
    every = {*(one.symbol for one in purchases), *(symbol for held in positions.values() for symbol in held)}
    yield from _room("max_gross_frac", every, rules.max_gross_frac, purchases, positions, account)


def _correlation(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Cut]:
    if rules.correlation_penalty <= 0:
        return
    for one in purchases:
        likeness = _mean_correlation(one, positions, account)
        if likeness is None or not one.shares:
            continue
        held = positions.get(one.sleeve, {}).get(one.symbol, 0)
        kept = 1.0 - rules.correlation_penalty * max(0.0, likeness)
        after = max(0, min(one.shares, floor(round((held + one.shares) * kept, 6)) - held))
        if after < one.shares:
            yield Cut(
                "correlation_penalty",
                one.sleeve,
                one.symbol,
                likeness,
                rules.correlation_penalty,
                one.shares,
                after,
            )


def _volatility(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Cut]:
    most = rules.target_volatility_frac
    yield from _stepped("target_volatility_frac", most, portfolio_volatility, purchases, positions, account)


def _value_at_risk(
    purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules
) -> Iterator[Cut]:
    yield from _stepped("max_var_frac", rules.max_var_frac, value_at_risk, purchases, positions, account)


def _cash(purchases: Sequence[Purchase], positions: Positions, account: Account, rules: AccountRules) -> Iterator[Cut]:
    # The sleeves' shares of the cash are handed out before; this is the net below them.
    del positions, rules
    wanted = sum(outlay(one.shares, account.prices[one.symbol], one.sizing) for one in purchases)
    room = max(0.0, account.cash_usd)
    if wanted > room + 1e-6:
        yield from _by_factor("account_cash_usd", purchases, room / wanted, round(wanted, 6), round(room, 6))


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
    changes = _changes(values, account, VOLATILITY_SESSIONS, VOLATILITY_SESSIONS)
    if changes is None:
        return None
    return round(float(np.std(changes, ddof=1)) * sqrt(SESSIONS_A_YEAR), 6) if len(changes) else 0.0


def value_at_risk(values: Mapping[str, float], account: Account) -> float | None:
    """Return the historical one-day value at risk (95 %) as a fraction of the account's equity.

    The ceil(0.05 n)-th largest loss these positions would have had on the last n = 500 sessions; None
    if all of them have fewer than 250 returns in common. A gain counts as a negative loss.
    """
    changes = _changes(values, account, VAR_SESSIONS, VAR_LEAST_SESSIONS)
    if changes is None:
        return None
    return round(-float(np.sort(changes)[ceil(round(VAR_TAIL * len(changes), 9)) - 1]), 6) if len(changes) else 0.0


def _changes(values: Mapping[str, float], account: Account, sessions: int, least: int) -> Matrix | None:
    # Daily changes of these positions as fractions of the equity; empty where nothing is held.
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
    """Return the correlation of the last 60 daily total returns of two symbols; None if there are fewer."""
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


def _room(
    name: str,
    symbols: set[str],
    most_frac: float,
    purchases: Sequence[Purchase],
    positions: Positions,
    account: Account,
) -> Iterator[Cut]:
    # What may be added to these symbols together, against what is wanted.
    concerned = [one for one in purchases if one.symbol in symbols]
    wanted = sum(one.shares * account.prices[one.symbol] for one in concerned)
    held = sum(value for symbol, value in _values((), positions, account, 0.0).items() if symbol in symbols)
    room = most_frac * account.equity_usd - held
    if wanted > 0 and wanted > room + 1e-6:
        value = round((held + wanted) / account.equity_usd, 6) if account.equity_usd > 0 else None
        yield from _by_factor(name, concerned, room / wanted, value, most_frac)


def _stepped(
    name: str,
    most: float | None,
    measure: Callable[[Mapping[str, float], Account], float | None],
    purchases: Sequence[Purchase],
    positions: Positions,
    account: Account,
) -> Iterator[Cut]:
    # The largest tenth of the purchases whose whole shares keep the limit; nothing where it cannot be measured.
    if most is None or not any(one.shares for one in purchases):
        return
    first = measure(_values(purchases, positions, account, 1.0), account)
    for factor in _STEPS:
        found = first if factor == 1.0 else measure(_values(purchases, positions, account, factor), account)
        if factor == 0.0 or (found is not None and found <= most):
            yield from _by_factor(name, purchases, factor, first, most)
            return


def _by_factor(
    name: str, purchases: Sequence[Purchase], factor: float, value: float | None, threshold: float | None
) -> Iterator[Cut]:
    for one in purchases:
        after = one.scaled(factor)
        if after < one.shares:
            yield Cut(name, one.sleeve, one.symbol, value, threshold, one.shares, after)
