"""Limits that look at the account as a whole, and the halts they put in force by themselves."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from mtum.app.desk import Desk, Problem
from mtum.app.ledger.book import read_sleeve
from mtum.app.owner.approve_settings import entries_stopped
from mtum.app.session.check_book import BookCheck
from mtum.core.portfolio.decision import Decision
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.value_jump import ValueChange, value_jump
from mtum.core.view import MarketView
from mtum.errors import ExitCode
from mtum.ports.broker import BrokerLists

DRAWDOWN = "max_drawdown_frac"
"""Who halted, where it was the drawdown limit."""
_LAST_VALUE = "account_value"


@dataclass(frozen=True, slots=True)
class AccountWorth:
    """An account at a decision: net liquidation value, our shares in it, our recorded cash; USD."""

    session: date
    net_usd: float
    shares_usd: float
    cash_usd: float


def worth_of(desk: Desk, lists: BrokerLists, view: MarketView) -> AccountWorth:
    """Return what the account is worth now and how much of it is ours, at the decision's prices."""
    sleeve = read_sleeve(desk.store, desk.strategy.name)
    closes = {symbol: float(bars.close[-1]) for symbol, bars in view.bars.items()}
    shares = sum(lot.shares * lot.multiplier * closes[lot.symbol] for lot in sleeve.lots if lot.symbol in closes)
    net = float(lists.account.net_liquidation_usd)
    return AccountWorth(view.session, net, shares, float(sleeve.cash_usd))


def guarded(desk: Desk, check: BookCheck, worth: AccountWorth, *, record: bool) -> BookCheck:
    """Return the check of the book with what the account-wide limits add to it.

    They stop entries only; an exit goes on. Without `record` no halt is put in force.
    """
    problems = list(check.problems)
    barred = dict(check.entries_barred)
    jump = _jump(desk, worth)
    if jump is not None:
        if record:
            desk.store.control.halt(Restriction.REDUCE_ONLY, jump, "max_value_jump_frac", desk.clock.now())
        problems.append(Problem(ExitCode.PERSON, f"{jump}; entries are stopped until `mtum resume`"))
        barred |= dict.fromkeys(desk.strategy.universe(), "halted")
    unapproved = entries_stopped(desk.store.control, desk.settings)
    if unapproved is not None:
        problems.append(Problem(ExitCode.HALTED, unapproved))
        barred |= dict.fromkeys(desk.strategy.universe(), "not_approved")
    return replace(check, problems=tuple(problems), entries_barred=barred)


def limits_after(desk: Desk, decision: Decision, worth: AccountWorth, at: datetime) -> None:
    """Put in force the halts a committed decision calls for (always reduce-only); keep the account's worth."""
    control, risk = desk.store.control, desk.settings.risk
    # One halt is enough: the same limit is reached again session after session.
    limits = {halt.by for halt in control.halts(in_force=True)}
    if decision.drawdown_hit and DRAWDOWN not in limits:
        why = f"equity {decision.equity_usd:.2f} USD has fallen from its peak by the limit"
        control.halt(Restriction.REDUCE_ONLY, why, DRAWDOWN, at)
    if decision.daily_loss_hit and risk.on_daily_loss == "flatten" and "max_daily_loss_usd" not in limits:
        why = f"a loss of {risk.max_daily_loss_usd:.2f} USD or more on {decision.session}"
        control.halt(Restriction.REDUCE_ONLY, why, "max_daily_loss_usd", at)
    control.set_meta(_LAST_VALUE, f"{worth.session} {worth.net_usd!r} {worth.shares_usd!r} {worth.cash_usd!r}")


def _jump(desk: Desk, now: AccountWorth) -> str | None:
    told = desk.store.control.meta(_LAST_VALUE)
    if not told:
        return None
    day, *numbers = told.split(" ")
    net, shares, cash = (float(number) for number in numbers)
    if day >= now.session.isoformat():
        return None  # the same session once more: nothing lies between the two looks
    change = ValueChange(net, now.net_usd, recorded_usd=now.cash_usd - cash, market_usd=now.shares_usd - shares)
    if not value_jump(change, desk.settings.risk.max_value_jump_frac):
        return None
    return (
        f"the account went from {net:,.2f} to {now.net_usd:,.2f} USD since {day}, "
        f"{change.unexplained_usd:+,.2f} of it unexplained by fills, prices and recorded deposits"
    )
