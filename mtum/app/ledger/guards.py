"""Limits that look at the account as a whole, and the halts they put in force by themselves."""

from dataclasses import replace
from datetime import datetime

from mtum.app.desk import Desk, Problem
from mtum.app.ledger.book import SleeveRecords
from mtum.app.ledger.dividends import due_today_usd
from mtum.app.owner.approve_settings import entries_stopped
from mtum.app.session.check_book import BookCheck
from mtum.core.portfolio.decision import Decision
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.value_jump import ValueChange, value_jump
from mtum.core.view import MarketView
from mtum.errors import ExitCode
from mtum.ports.broker import BrokerLists
from mtum.ports.records import AccountWorth

DRAWDOWN = "max_drawdown_frac"
"""Who halted, where it was the drawdown limit."""


def worth_of(sleeve: SleeveRecords, strategy: str, lists: BrokerLists, view: MarketView) -> AccountWorth:
    """Return what the account is worth now and how much of it is ours, at the decision's prices.

    A dividend is part of it from its ex-date on, as it is of the broker's net liquidation value.
    """
    prices = view.prices
    shares = sum(lot.shares * prices[lot.symbol] for lot in sleeve.lots if lot.symbol in prices)
    net = float(lists.account.net_liquidation_usd)
    due = due_today_usd(sleeve.lots, sleeve.movements, strategy, view.bars.values())
    return AccountWorth(view.session, net, shares, float(sleeve.cash_usd + sleeve.receivable_usd + due))


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
    unapproved = entries_stopped(desk.store.approvals, desk.settings)
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
    desk.store.limits.write_worth(worth, at)


def _jump(desk: Desk, now: AccountWorth) -> str | None:
    last = desk.store.limits.last_worth()
    if last is None or last.session >= now.session:
        return None  # the same session once more: nothing lies between the two looks
    recorded, market = now.cash_usd - last.cash_usd, now.shares_usd - last.shares_usd
    change = ValueChange(last.net_usd, now.net_usd, recorded_usd=recorded, market_usd=market)
    if not value_jump(change, desk.settings.risk.max_value_jump_frac):
        return None
    return (
        f"the account went from {last.net_usd:,.2f} to {now.net_usd:,.2f} USD since {last.session}, "
        f"{change.unexplained_usd:+,.2f} of it unexplained by fills, prices and recorded deposits"
    )
