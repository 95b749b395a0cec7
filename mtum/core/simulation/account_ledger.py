"""The books of an account while history is played: whose cash is it, what is decided, what is ordered?"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np
from msgspec.structs import replace

from mtum.core.coordination.account import Account, AccountPlan, Cut, SleeveWants
from mtum.core.coordination.coordinate import FundState, coordinate, with_fund
from mtum.core.coordination.transfers import WEIGHTING_SESSIONS, SleeveMoney, Transfer, rebalanced, spendable
from mtum.core.decide import decide, ordered, with_change_since
from mtum.core.plans import cut_for_cash, plan_document, sessions_looked_at, standing_after
from mtum.core.portfolio.decision import STANDING_SESSIONS, Book, Decision, PortfolioRules, Standing
from mtum.core.portfolio.equity_points import Closes
from mtum.core.portfolio.fund import FUND, FundWait, waits_after
from mtum.core.portfolio.limits import LossState, Restriction
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.returns import curve, returns
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.simulation.column_sleeve import ColumnSleeve
from mtum.core.simulation.fill_costs import FillCosts
from mtum.core.simulation.history import settled_at
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.return_columns import ReturnColumns
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.sleeve_ledger import SleeveLedger, Waiting, count_since_exits
from mtum.core.strategies.contract import SymbolVerdict

ZERO = Decimal(0)

type Decided = tuple[SleeveLedger, Decision]
"""What a sleeve decided."""


@dataclass(slots=True)
class AccountLedger:
    """The sleeves' ledgers while history is played, and what is known of all of them together.

    Parameters
    ----------
    unowned : Decimal
        Cash at the broker that is no sleeve's, USD.
    real : tuple of SleeveLedger
        Those of sleeves that own money; `fund` is the cash fund's.
    shares : mapping of symbol to ndarray, shape (n_sessions,)
        Shares of all sleeves at each close.
    columns : mapping of str to ColumnSleeve
        Sleeves whose strategies are asked by columns, by name.
    halted : bool
        Whether a sleeve with all the money has stopped entries: that stops the account's.
    """

    history: SessionHistory
    terms: PlayTerms
    first: int
    stop: int
    ledgers: tuple[SleeveLedger, ...]
    unowned: Decimal
    shares: dict[str, Column]
    costs: FillCosts
    real: tuple[SleeveLedger, ...] = field(init=False)
    fund: SleeveLedger | None = field(init=False)
    returns: ReturnColumns = field(init=False)
    closes: Closes = field(default_factory=Closes)
    halted: bool = False
    cuts: list[tuple[date, Cut]] = field(default_factory=list)
    held_back: list[tuple[date, str, str, str]] = field(default_factory=list)
    transfers: list[tuple[date, tuple[Transfer, ...]]] = field(default_factory=list)
    equities: list[float] = field(default_factory=list)
    columns: dict[str, ColumnSleeve] = field(default_factory=dict)
    waits: dict[str, FundWait] = field(default_factory=dict)
    options_usd: dict[str, float] = field(default_factory=dict)  # that options count with in the limits of a session

    @classmethod
    def of(
        cls, history: SessionHistory, sleeves: Sequence[Sleeve], terms: PlayTerms, first: int, stop: int
    ) -> "AccountLedger":
        """Return the books before the first session.

        Parameters
        ----------
        history : SessionHistory
            Bars per symbol, and extra series by session.
        sleeves : sequence of Sleeve
            Sleeves of the account.
        terms : PlayTerms
            On what terms history is played.
        first : int
            Position of the first session.
        stop : int
            Position to stop before.
        """
        settled, left = settled_at(history.days, terms.settlement.value), dict(terms.holdings)
        capital, costs, ledgers = exact(terms.capital_usd), FillCosts(history, terms), []
        for one in sleeves:
            own_costs = costs if one.owns_money else FillCosts(history, terms)
            ledger = SleeveLedger(one, history, terms, settled, own_costs, _begins_with(one, capital))
            own = {
                symbol: left.pop(symbol)
                for symbol in [*left]
                if symbol in one.symbols and one.decides and one.owns_money
            }
            ledger.begin(own, first)
            ledgers.append(ledger)
        given = sum((own.cash for own in ledgers if own.sleeve.owns_money), ZERO)
        symbols = dict.fromkeys(symbol for own in ledgers if own.sleeve.owns_money for symbol in own.sleeve.symbols)
        shares: dict[str, Column] = {symbol: np.zeros(stop - first) for symbol in symbols if symbol in history.bars}
        return cls(history, terms, first, stop, tuple(ledgers), capital - given, shares, costs)

    def __post_init__(self) -> None:
        self.real = tuple(own for own in self.ledgers if own.sleeve.owns_money)
        looked_at = self.shares if sessions_looked_at(self.terms.account) else ()
        self.returns = ReturnColumns.of(self.history, looked_at)
        self.fund = next((own for own in self.real if own.name == FUND), None)

    def _prices(self, t: int) -> dict[str, float]:
        # Of a symbol that no sleeve can decide on it is the close before, as in the views.
        fit = {symbol for own in self.ledgers if own.views is not None for symbol in own.views.fit_at(t)}
        closes = {symbol: self.history.close_before(symbol, t + (symbol in fit)) for symbol in self.shares}
        return {symbol: close for symbol, close in closes.items() if close is not None}

    def _broker_settled(self) -> Decimal:
        """Return the settled cash at the broker, where a dividend is on the morning of its ex-date."""
        return self.unowned + sum((own.cash + own.due - own.pending() for own in self.real), ZERO)

    def cash_of(self, t: int, owners: Sequence[SleeveLedger]) -> dict[str, tuple[Decimal, Decimal]]:
        """Return what each of these sleeves may spend, and what of its cash settles later, USD.

        What the cash fund is worth counts as cash.
        """
        fund = self.fund.worth(t) - self.fund.cash - self.fund.due if self.fund else ZERO
        cash = {own.name: _unpinned(own) for own in owners}
        waits = {own.name: own.pending() if own.sleeve.weight < 1 else ZERO for own in owners}
        broker, pending = self._broker_settled() + fund, sum((own.pending() for own in self.real), ZERO)
        settled = spendable({name: usd - waits[name] for name, usd in cash.items()}, broker)
        there = spendable(cash, broker + pending)
        return {name: (usd, max(ZERO, there[name] - usd)) for name, usd in settled.items()}

    def move_cash(self, t: int) -> None:
        """Move cash between the sleeves before the last decisions of a period."""
        rules, day = self.terms.account.transfers, self.history.day(t)
        own = [one for one in self.real if one.name != FUND]
        calendar = self.history.calendar
        at = bisect_right(calendar, day)
        if len(own) < 2 or not rules.due(day, calendar[at] if at < len(calendar) else None):
            return
        cash = self.cash_of(t, own)
        money = [
            SleeveMoney(
                name=one.name,
                weight=one.sleeve.weight,
                equity_usd=exact(round(float(one.worth(t)), 6)),
                available_usd=cash[one.name][0],
                receives=one.sleeve.state is SleeveState.ON and restriction_of(self, one) is Restriction.NONE,
            )
            for one in own
        ]
        earned = {} if rules.weighting == "fixed" else {one.name: _returns(one) for one in own}
        moved = rebalanced(money, earned, rules)
        for one, transfer in zip(own, moved, strict=True):
            one.moved = exact(transfer.usd)
            one.cash += one.moved
        self.transfers.append((day, moved))

    def decide(self, t: int) -> list[Decided]:
        """Return what every sleeve decides, in their order."""
        found: list[Decided] = []
        cash: Mapping[str, tuple[Decimal, Decimal]] | None = None
        for own in self.ledgers:
            if own.views is None:
                continue
            columns = self.columns.get(own.name)
            said = columns.ask(t) if columns else None
            if isinstance(said, Decision):
                decision = said
            else:
                count_since_exits(own, t)
                cash = self.cash_of(t, self.real) if cash is None else cash
                usd = cash.get(own.name) or (max(ZERO, own.cash - own.pending()), own.pending())
                book = self._book(own, t, usd)
                decision = _decision(own, t, book, said)
            if decision.daily_loss_hit:
                own.last_hit = t
            found.append((own, decision))
        for own, decision in found:
            # A halt lasts until a person resumes; nobody does in a backtest.
            flatten = decision.daily_loss_hit and own.sleeve.rules.losses.flatten_on_daily_loss
            if own.sleeve.owns_money and (decision.drawdown_hit or flatten):
                self.halted |= own.sleeve.weight == 1
                own.restriction = Restriction.REDUCE_ONLY
        return found

    def _book(self, own: SleeveLedger, t: int, cash: tuple[Decimal, Decimal]) -> Book:
        hit, in_fund = own.last_hit, self.fund is not None
        paused = hit is not None and t - hit <= own.sleeve.loss_pause_sessions
        return Book(
            holdings=own.holdings,
            cash_usd=float(own.cash),
            available_usd=float(cash[0]),
            forced_exits=_forced_exits(own),
            exit_pending=own.exit_pending,
            unsettled_usd=float(cash[1]),
            receivable_usd=float(own.due),
            options_usd=float(own.options_usd),
            losses=own.closes.losses(float(own.moved), paused=paused),
            restriction=own.sleeve.restricted(restriction_of(self, own)),
            last_fill=own.last_fill,
            memory=own.memory,
            standing=_still_wanted(own, t) if in_fund else own.standing,
            stopped=own.stopped,
            in_fund=in_fund and own.sleeve.owns_money,
        )

    def order(self, t: int, decided: Sequence[Decided]) -> None:
        """Coordinate what the sleeves decided; orders wait for their fills from here on."""
        day, plan = self.history.day(t), self._plan(t, decided)
        document = plan_document(plan) if any(decision.standing for _, decision in decided) else {}
        remembered: dict[str, Mapping[str, Mapping[str, float]]] = {}
        for own, decision in decided:
            standing = decision.standing
            if standing and own.sleeve.owns_money:
                standing = standing_after(document, own.name, standing)
                if self.fund is not None and not own.strategy.STANDING_PURCHASES:
                    lacked = cut_for_cash(document, own.name)
                    standing = tuple(one for one in standing if one.sells or one.symbol in lacked)
            own.remember(decision, standing)
            remembered[own.name] = {verdict.symbol: verdict.remember for verdict in decision.verdicts}
            if not own.sleeve.owns_money:
                own.waiting = [Waiting(one, remembered[own.name][one.symbol], day) for one in decision.orders]
        by_name = {own.name: own for own in self.real}
        for one in plan.orders:
            kept = remembered[one.sleeve].get(one.order.symbol, {})
            lapsed = self.costs.lapses(one.order.symbol, one.order.shares - one.crossed, t)
            by_name[one.sleeve].waiting.append(Waiting(one.order, kept, day, one.crossed, lapsed))
        self.cuts += [(day, cut) for cut in plan.cuts]
        self.held_back += [(day, *one) for one in plan.held_back]

    def _plan(self, t: int, decided: Sequence[Decided]) -> AccountPlan:
        real = [(own, decision) for own, decision in decided if own.sleeve.owns_money]
        rules, fund = self.terms.account, self.fund
        if fund is None and not any(decision.orders for _, decision in real):
            return AccountPlan(())
        wants = [
            SleeveWants(
                name=own.name,
                shares={symbol: held.shares for symbol, held in own.holdings.items() if held.shares},
                orders=decision.orders,
                sizing=own.sleeve.rules.sizing,
                least_usd=own.strategy.least_trade_usd(decision.equity_usd),
            )
            for own, decision in real
            if own.name != FUND or decision.orders
        ]
        silent = [own for own in self.real if own.views is None]
        for own in silent:
            held = {symbol: holding.shares for symbol, holding in own.holdings.items() if holding.shares}
            wants += [SleeveWants(own.name, held, (), own.sleeve.rules.sizing)] if held else []
        known = [decision.equity_usd for _, decision in real] + [round(float(own.worth(t)), 6) for own in silent]
        settled, coming = map(float, self.settled())
        equity = round(sum(known), 6)
        account = Account(
            session=self.history.day(t),
            prices=self._prices(t),
            equity_usd=equity,
            cash_usd=settled,
            losses=self._losses(equity),
            restriction=Restriction.REDUCE_ONLY if self.halted else Restriction.NONE,
            returns=self.returns.until(t),
            options_usd=self.options_usd,
        )
        plan = coordinate(wants, account, rules)
        if fund is None or rules.fund is None or self.history.bar_row(fund.sleeve.symbols[0], t) is None:
            return plan
        return with_fund(plan, wants, account, _fund_state(self, fund, t, (settled, coming)), rules.fund)

    def settled(self) -> tuple[Decimal, Decimal]:
        """Return what all purchases together may cost, and the sleeves' cash that settles later, USD.

        What is in the cash fund is not there, nor what options and their orders pin.
        """
        pinned = sum((own.reserved_usd for own in self.real), ZERO)
        if self.fund is None:
            return self._broker_settled() - pinned, ZERO
        coming = sum((own.pending() for own in self.real), ZERO)
        own = sum((own.cash for own in self.real), ZERO) - coming
        return min(self._broker_settled(), own) - pinned, coming

    def _losses(self, equity_usd: float) -> LossState:
        rules = self.terms.account
        if rules.daily_loss_usd is None and rules.drawdown_frac is None:
            return LossState()
        flows = float(sum((own.moved for own in self.real), ZERO))
        return self.closes.losses(flows, equity_usd=equity_usd)

    def close_session(self, t: int) -> None:
        """Value the account at the closes of a session."""
        equity = float(sum((own.equities[-1] for own in self.real), ZERO))
        self.equities.append(equity)
        self.closes.add(equity, float(sum((own.moved for own in self.real), ZERO)))
        for own in self.real:
            for symbol, holding in own.holdings.items():
                if holding.shares:
                    self.shares[symbol][t - self.first] += holding.shares


def shares_usd(account: AccountLedger, t: int) -> dict[str, Decimal]:
    """Return what the shares of all sleeves are worth, without the cash fund's, USD by symbol."""
    found: dict[str, Decimal] = {}
    for own in account.real:
        for symbol, held in own.holdings.items() if own is not account.fund else ():
            close = account.history.close_before(symbol, t + 1)
            if held.shares and close is not None:
                found[symbol] = found.get(symbol, ZERO) + held.shares * exact(close)
    return found


def _fund_state(account: AccountLedger, fund: SleeveLedger, t: int, cash: tuple[float, float]) -> FundState:
    # Beside its shares and the cash: what options wait for, and what was raised for them before.
    (symbol,), (settled, coming) = fund.sleeve.symbols, cash
    state = FundState(
        symbol=symbol,
        held=max(0, fund.holdings[symbol].shares if symbol in fund.holdings else 0),
        settled_usd=settled,
        coming_usd=coming,
        sizing=fund.sleeve.rules.sizing,
        buys=restriction_of(account, fund) is Restriction.NONE,
    )
    options = [own for own in account.real if own.strategy.OPTIONS and own.views is not None]
    if not options:
        return state
    waiting = {own.name: float(own.waiting_usd) for own in options}
    opened = {own.name: own.opened for own in options}
    account.waits = waits_after(account.waits, waiting, opened, account.history.day(t))
    kept = sum(one.usd for one in account.waits.values())
    return replace(state, options_usd=sum(waiting.values()), kept_usd=kept)


def restriction_of(account: AccountLedger, own: SleeveLedger) -> Restriction:
    """Return the halt that a sleeve is under."""
    return Restriction.REDUCE_ONLY if account.halted else own.restriction


def _forced_exits(own: SleeveLedger) -> Mapping[str, str]:
    # A loss that closes everything closes what options held back for as long as its halt lasts.
    if not (own.strategy.OPTIONS and own.last_hit is not None and own.sleeve.rules.losses.flatten_on_daily_loss):
        return own.sleeve.forced_exits
    return {**dict.fromkeys(own.holdings, "daily_loss"), **own.sleeve.forced_exits}


def _unpinned(own: SleeveLedger) -> Decimal:
    # Cash that its options pin is there and is not spent.
    return own.cash - own.reserved_usd if own.reserved_usd else own.cash


def _decision(own: SleeveLedger, t: int, book: Book, said: tuple[SymbolVerdict, ...] | None) -> Decision:
    assert own.views is not None  # it decides
    view = own.views.at(t)
    book = with_change_since(book, view.prices, _before(own))

    def under(rules: PortfolioRules) -> Decision:
        if said is None:
            return decide(view, own.strategy, book, rules)
        return ordered(view, own.strategy, book, rules, said)

    decision = under(own.sleeve.rules)
    own.capped += _capped(own.sleeve.rules, decision, under)
    return replace(decision, strategy=own.name or decision.strategy)


def _capped(rules: PortfolioRules, decision: Decision, under: Callable[[PortfolioRules], Decision]) -> int:
    # Purchases that the largest position in USD made smaller.
    if rules.sizing.max_position_usd == float("inf") or not any(one.side is Side.BUY for one in decision.orders):
        return 0
    free = replace(rules, sizing=replace(rules.sizing, max_position_usd=float("inf")))
    wanted = {order.symbol: order.shares for order in under(free).orders}
    return sum(order.shares < wanted.get(order.symbol, 0) for order in decision.orders)


def _begins_with(sleeve: Sleeve, capital_usd: Decimal) -> Decimal:
    # One that is only closed has nothing in a new account.
    if not sleeve.owns_money:
        return exact(sleeve.virtual_usd)
    return ZERO if sleeve.state is SleeveState.CLOSE else sleeve.part_of(capital_usd)


def _before(own: SleeveLedger) -> float | None:
    # What today's change is measured from; virtual money has nothing before its first order.
    return None if own.closes.last is None else own.closes.last + float(own.moved)


def _returns(own: SleeveLedger) -> list[float]:
    # As of closes that are days apart: only their order counts.
    equity, flows = [float(one) for one in own.equities], [*own.flows]
    flows[:1] = [one + own.capital_usd for one in flows[:1]]
    return [float(one) for one in returns(curve([date.min] * len(equity), equity, flows))[-WEIGHTING_SESSIONS:]]


def _still_wanted(own: SleeveLedger, t: int) -> tuple[Standing, ...]:
    # Purchases that lacked cash because it was in the fund stand too, as long as those of strategies where all do.
    if own.strategy.STANDING_PURCHASES:
        return own.standing
    oldest = own.history.day(max(0, t - STANDING_SESSIONS))
    return tuple(one for one in own.standing if one.since >= oldest)
