"""What the account could lose: every limit with its use, measures of risk, and past crashes replayed."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from math import isfinite
from typing import Any

from msgspec import Struct

from mtum.app.queries.bars import cached_bars
from mtum.app.queries.performance import SleeveCloses, closes_of
from mtum.app.queries.plain import plain
from mtum.config import Settings, account_rules
from mtum.core.coordination.account import Account, Returns
from mtum.core.coordination.limits import CASH, VAR_SESSIONS, measured
from mtum.core.coordination.risk import Risk, Stress, risk_of, stress_replays
from mtum.core.portfolio.equity_points import losses_of
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.limits import LossState, fallen_frac
from mtum.core.portfolio.returns import Curve, together
from mtum.core.portfolio.sleeves import Sleeve
from mtum.ports.reading import DatabaseState, Reader
from mtum.ports.records import FLOWS
from mtum.ports.rows import CashRow

MARKETS = ("SPY", "SP500")
"""What beta is measured against: the first of these whose history is cached."""


class LimitUse(Struct, frozen=True):
    """A limit in force.

    Parameters
    ----------
    sleeve : str
        Empty for one of the account.
    value : float or None
        As it stands now; None = cannot be known.
    use : float or None
        Value over threshold.
    """

    sleeve: str
    limit: str
    value: float | None
    threshold: float
    use: float | None


class AccountRisk(Struct, frozen=True):
    """The account at the last closes that are cached.

    Parameters
    ----------
    unvalued : tuple of str
        Positions without a cached close; left out of every figure.
    options_usd : float or None
        What options are worth at their newest marks: in the equity, in no other figure; None where none are held.
    """

    equity_usd: float
    limits: tuple[LimitUse, ...]
    risk: Risk
    stresses: tuple[Stress, ...]
    unvalued: tuple[str, ...]
    options_usd: float | None = None


def account_risk(
    settings: Settings,
    reader: Reader,
    closes: Mapping[str, SleeveCloses] | None = None,
    state: DatabaseState | None = None,
) -> AccountRisk:
    """Return the risk of everything the sleeves with real money hold.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    reader : Reader
        The records of one database, for reading alone.
    closes : mapping of sleeve to SleeveCloses, optional
        Those that are known already; the others are read.
    state : DatabaseState, optional
        The records at a glance, if read already.
    """
    sleeves = [one for one in settings.sleeves() if one.owns_money]
    state = state or reader.state()
    held = [row for row in state.positions if row.strategy in {one.name for one in sleeves}]
    valued = [row for row in held if row.last_price is not None]
    prices = {row.symbol: row.last_price for row in valued if row.last_price is not None}
    positions: dict[str, dict[str, int]] = {one.name: {} for one in sleeves}
    worth = {one.name: state.cash_usd.get(one.name, 0.0) for one in sleeves}
    values: dict[str, float] = {}
    for row in valued:
        market = row.market_usd or 0.0
        worth[row.strategy] += market
        if row.strategy == FUND:
            continue  # it counts as cash
        own = positions[row.strategy]
        own[row.symbol] = own.get(row.symbol, 0) + row.shares
        values[row.symbol] = values.get(row.symbol, 0.0) + market
    options_usd = _options_usd(sleeves, reader)
    for name, usd in options_usd.items():
        worth[name] += usd
    histories = {
        symbol: cached_bars(reader, symbol, settings.market.source) for symbol in dict.fromkeys([*prices, *MARKETS])
    }
    cached = {symbol: bars for symbol, bars in histories.items() if len(bars)}
    known = closes or closes_of(reader, [one.name for one in sleeves])
    curves = {one.name: known[one.name].curve for one in sleeves}
    for name, curve in curves.items():
        worth[name] -= _coming_usd(reader, name, curve)
    equity = round(sum(worth.values()), 6)
    account = Account(
        session=max((bars.last_day for bars in cached.values()), default=date.min),
        prices=prices,
        equity_usd=equity,
        cash_usd=equity,
        losses=losses_of(together([*curves.values()])),
        returns=Returns.of(cached, VAR_SESSIONS),
        options_usd=_counted_usd(sleeves, reader),
    )
    found = [("", one.limit, one.value, one.threshold) for one in measured(positions, account, account_rules(settings))]
    found = [one for one in found if one[1] != CASH]
    for sleeve in sleeves:
        largest = max((abs(row.market_usd or 0.0) for row in valued if row.strategy == sleeve.name), default=0.0)
        found += _of_sleeve(sleeve, losses_of(curves[sleeve.name]), worth[sleeve.name], largest)
    return AccountRisk(
        equity_usd=equity,
        limits=tuple(
            LimitUse(name, limit, value, threshold, None if value is None else round(value / threshold, 6))
            for name, limit, value, threshold in found
            if threshold
        ),
        risk=risk_of(values, account, next((name for name in MARKETS if name in cached), "")),
        stresses=stress_replays(values, cached, equity),
        unvalued=tuple(dict.fromkeys(row.symbol for row in held if row.last_price is None)),
        options_usd=round(sum(options_usd.values()), 6) if options_usd else None,
    )


def _coming_usd(reader: Reader, sleeve: str, curve: Curve) -> float:
    # Put in, taken out or moved for a session that has not closed: at the last close it has not happened.
    if not len(curve):
        return 0.0
    rows = reader.rows(CashRow, curve.days[-1] + timedelta(days=1), None, strategy=sleeve)
    return sum((row.amount_usd for row in rows if row.kind in FLOWS), 0.0)


def _options_usd(sleeves: Sequence[Sleeve], reader: Reader) -> dict[str, float]:
    """Return what each sleeve's options are worth, USD; what was never marked counts at its premium."""
    names = {one.name for one in sleeves if one.strategy.OPTIONS}
    found: dict[str, float] = {}
    if not names:
        return found
    book, marks = reader.option_records
    for lot in book.lots:
        if lot.strategy in names:
            price = marks[lot.contract][0] if lot.contract in marks else lot.premium
            usd = float(lot.quantity * price * lot.contract.multiplier)
            found[lot.strategy] = found.get(lot.strategy, 0.0) + usd
    return found


def _counted_usd(sleeves: Sequence[Sleeve], reader: Reader) -> dict[str, float]:
    """Return what open options count with in the limits of the account, USD by underlying."""
    names = {one.name for one in sleeves if one.strategy.OPTIONS}
    if not names:
        return {}
    from mtum.core.option_limits import exposures  # what an account of shares does without

    book, marks = reader.option_records
    lots = tuple(lot for lot in book.lots if lot.strategy in names)
    known = {contract.con_id: mark[0] for contract, mark in marks.items()}
    return {name: round(float(usd), 2) for name, usd in exposures(lots, (), known).items()}


def risk_document(found: AccountRisk | None) -> dict[str, Any]:
    """Return the risk as commands and pages answer it; None stands for records that are still to come."""
    if found is None:
        return {"equity_usd": None, "limits": [], "risk": None, "stresses": [], "unvalued": []}
    document: dict[str, Any] = plain(found)
    if found.options_usd is None:
        del document["options_usd"]
    document["risk"]["correlations"] = [
        {"first": first, "second": second, "correlation": value}
        for (first, second), value in found.risk.correlations.items()
    ]
    return document


type _Limit = tuple[str, str, float | None, float | None]


def _of_sleeve(sleeve: Sleeve, losses: LossState, worth_usd: float, largest_usd: float) -> list[_Limit]:
    rules, lost = sleeve.rules, max(0.0, -losses.last_change_usd)
    before = worth_usd - losses.last_change_usd
    measures = (
        ("max_daily_loss_usd", lost, rules.losses.max_daily_loss_usd),
        ("max_daily_loss_frac", lost / before if before > 0 else None, rules.losses.max_daily_loss_frac),
        ("max_drawdown_frac", fallen_frac(worth_usd, losses), rules.losses.max_drawdown_frac),
        ("max_position_usd", largest_usd, rules.sizing.max_position_usd),
        (
            "max_position_frac",
            largest_usd / worth_usd if worth_usd > 0 else None,
            rules.sizing.max_position_frac,
        ),
    )
    return [
        (sleeve.name, limit, None if value is None else round(value, 6), threshold)
        for limit, value, threshold in measures
        if threshold is not None and isfinite(threshold)
    ]
