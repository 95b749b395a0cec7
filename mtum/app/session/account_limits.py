"""Limits that look at the account as a whole, and the halts they put in force by themselves."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from msgspec.structs import replace

from mtum.app.approvals.approve_settings import entries_stopped
from mtum.app.desk import Desk, Problem
from mtum.app.ledger.dividends import due_today_usd
from mtum.app.ledger.sleeve_records import SleeveRecords
from mtum.app.session.check_book import BookCheck
from mtum.app.session.gather import GatheredMarket
from mtum.core.portfolio.decision import Decision
from mtum.core.portfolio.limits import LossRules, Restriction
from mtum.core.portfolio.sleeves import Sleeve
from mtum.core.portfolio.value_jump import ValueChange, value_jump
from mtum.errors import ExitCode
from mtum.ports.broker import BrokerLists
from mtum.ports.records import AccountWorth
from mtum.ports.store import Store

DRAWDOWN = "max_drawdown_frac"
"""Author of a halt that the drawdown limit put in force."""
DAILY_LOSS = "max_daily_loss_usd"
"""Author of a halt that the daily loss limit put in force."""


def worth_of(
    store: Store, sleeves: Mapping[str, SleeveRecords], lists: BrokerLists, market: GatheredMarket
) -> AccountWorth:
    """Return what the account is worth now and how much of it our books own, at the decision's prices.

    A dividend is part of it from its ex-date on, as it is of the broker's net liquidation value.

    Parameters
    ----------
    store : Store
        The program's records.
    sleeves : mapping of str to SleeveRecords
        Records by sleeve.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    market : GatheredMarket
        Everything that was gathered for a session, for all sleeves together.
    """
    prices, bars = market.prices, market.bars
    lots = [lot for one in sleeves.values() for lot in one.lots]  # a sleeve on virtual money has none
    shares = sum(lot.shares * prices[lot.symbol] for lot in lots if lot.symbol in prices)
    shares += _options_usd(store, market.session.day)
    cash = sum(store.ledger.cash_of_others(sleeves).values(), Decimal(0))
    for name, one in sleeves.items():
        due = due_today_usd(one.lots, store.books.recorded, name, bars.values())
        cash += one.cash_usd + one.receivable_usd + due
    return AccountWorth(market.session.day, float(lists.account.net_liquidation_usd), shares, float(cash))


def _options_usd(store: Store, day: date) -> float:
    # By their last marks: what moved since is a change that nothing explains, small beside the account.
    if not store.events.option_strategies():
        return 0.0
    marks = store.options.marks(day)
    worth = [
        lot.quantity * marks.get(lot.contract, (lot.premium, day))[0] * lot.contract.multiplier
        for lot in store.options.book().lots
    ]
    return float(sum(worth, Decimal(0)))


def guarded(desk: Desk, check: BookCheck, worth: AccountWorth, *, record: bool) -> BookCheck:
    """Return the check of the book with what the account-wide limits add to it.

    They stop entries only; an exit goes on. Without `record` no halt is put in force.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    check : BookCheck
        What the comparison found: problems, symbols that must wait, and shares that are really there.
    worth : AccountWorth
        An account at a decision: net liquidation value, our shares in it, our recorded cash; USD.
    record : bool
        Whether halts are put in force.
    """
    problems = list(check.problems)
    barred = dict(check.entries_barred)
    jump = _jump(desk, worth)
    if jump is not None:
        if record:
            desk.store.control.halt(Restriction.REDUCE_ONLY, jump, "max_value_jump_frac", desk.clock.now())
        problems.append(Problem(ExitCode.PERSON, f"{jump}; entries are stopped until `mtum resume`"))
        barred |= dict.fromkeys(desk.symbols, "halted")
    unapproved = entries_stopped(desk.store.approvals, desk.settings)
    if unapproved is not None:
        problems.append(Problem(ExitCode.HALTED, unapproved))
        barred |= dict.fromkeys(desk.symbols, "not_approved")
    return replace(check, problems=tuple(problems), entries_barred=barred)


def limits_after(desk: Desk, decided: Sequence[tuple[Sleeve, Decision]], worth: AccountWorth, at: datetime) -> None:
    """Put in force the halts that committed decisions call for (always reduce-only); keep the account's worth.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    decided : sequence of (Sleeve, Decision)
        Each sleeve with its committed decision.
    worth : AccountWorth
        An account at a decision: net liquidation value, our shares in it, our recorded cash; USD.
    at : datetime
        Instant that is recorded, UTC.
    """
    control = desk.store.control
    # One halt per limit: while the drawdown lasts, every session reaches the limit again.
    limits = {(halt.by, halt.sleeve) for halt in control.halts(in_force=True)}
    for sleeve, decision in decided:
        scope = None if sleeve.weight == 1 else sleeve.name
        if decision.drawdown_hit and (DRAWDOWN, scope) not in limits:
            why = f"equity {decision.equity_usd:.2f} USD: the drawdown is at its limit"
            control.halt(Restriction.REDUCE_ONLY, why, DRAWDOWN, at, scope)
        losses = sleeve.rules.losses
        if decision.daily_loss_hit and losses.flatten_on_daily_loss and (DAILY_LOSS, scope) not in limits:
            control.halt(
                Restriction.REDUCE_ONLY,
                f"a loss of {_limit(losses)} or more on {decision.session}",
                DAILY_LOSS,
                at,
                scope,
            )
    desk.store.limits.write_worth(worth, at)


def _limit(losses: LossRules) -> str:
    usd, part = losses.max_daily_loss_usd, losses.max_daily_loss_frac
    told = [f"{usd:.2f} USD"] if usd is not None else []
    return " or ".join([*told, *([f"{part:.1%} of the equity"] if part is not None else [])])


def _jump(desk: Desk, now: AccountWorth) -> str | None:
    last = desk.store.limits.last_worth()
    if last is None or last.session >= now.session:
        return None  # the same session again: there is no change since to explain
    # Cash that moved from the account to a sleeve is no change of the account: it is not counted as a deposit.
    recorded = now.cash_usd - last.cash_usd - float(desk.store.ledger.allotted_since(last.session))
    market = now.shares_usd - last.shares_usd
    change = ValueChange(last.net_usd, now.net_usd, recorded_usd=recorded, market_usd=market)
    if not value_jump(change, desk.settings.risk.max_value_jump_frac):
        return None
    return (
        f"the account went from {last.net_usd:,.2f} to {now.net_usd:,.2f} USD since {last.session}, "
        f"{change.unexplained_usd:+,.2f} of it unexplained by fills, prices and recorded deposits"
    )
