"""The general path: an account of any strategies, session by session, through the same functions as the daily job."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from mtum.core.portfolio.decision import Decision
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.simulation.account_ledger import AccountLedger, restriction_of, shares_usd
from mtum.core.simulation.column_sleeve import ColumnSleeve
from mtum.core.simulation.played import FillModel, Played, PlayedAccount, PlayTerms
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.contract import Strategy

if TYPE_CHECKING:
    from mtum.core.simulation.options.desk import OptionDesk
    from mtum.core.simulation.options.terms import OptionTerms

ZERO = Decimal(0)


def _unheard(_: Decision) -> None:
    pass


def play_sessions(
    history: SessionHistory,
    strategy: Strategy,
    terms: PlayTerms,
    first: int,
    stop: int,
    told: Callable[[Decision], None] = _unheard,
) -> Played:
    """Play one strategy with all the money: an account of one sleeve (see `play_account`).

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    terms : PlayTerms
        On what terms history is played.
    first : int
        Position of the first session.
    stop : int
        Position to stop before.
    told : callable
        Told of each decision.
    """
    alone = Sleeve("", strategy, 1.0, SleeveState.ON, 0.0, "", terms.rules, terms.loss_pause_sessions)
    return play_account(history, [alone], terms, first, stop, told).total


def play_account(
    history: SessionHistory,
    sleeves: Sequence[Sleeve],
    terms: PlayTerms,
    first: int,
    stop: int,
    told: Callable[[Decision], None] = _unheard,
) -> PlayedAccount:
    """Play the sessions at positions ``first <= t < stop`` one by one, as the daily job does.

    Before the last decisions of a period cash moves between the sleeves; each sleeve decides on its own money; the
    limits of the account cut purchases; where sleeves meet in a symbol they trade with each other, and the rest goes
    to the market. A symbol whose bars end before the others' is sold at its last close in the session after it, and
    is off the strategy's list from then on; where the strategy cannot do without it, it stays there without bars.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    sleeves : sequence of Sleeve
        In the order of the settings, the cash fund last; each begins with its part of `terms.capital_usd`.
    terms : PlayTerms
        On what terms history is played.
    first, stop : int
        Positions among the sessions of the history.
    told : callable
        Given each decision as it is made.

    Raises
    ------
    ValueError
        If a symbol held at the start has no close before the first session.
    """
    account = AccountLedger.of(history, sleeves, terms, first, stop)
    _play(account, None, told)
    return _played(account)


def play_account_by_columns(
    history: SessionHistory,
    sleeves: Sequence[Sleeve],
    terms: PlayTerms,
    span: tuple[int, int],
    heard: Callable[[Decision], None] = _unheard,
) -> PlayedAccount:
    """Play the same sessions as `play_account`; what strategies with a column form say is worked out for all at once.

    Their decisions have no verdicts where nothing is ordered, and of those that are no conditions.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    sleeves : sequence of Sleeve
        In the order of the settings, the cash fund last; each begins with its part of `terms.capital_usd`.
    terms : PlayTerms
        On what terms history is played.
    span : tuple of int
        Positions of the first session and of the one to stop before.
    heard : callable
        Given each decision as it is made.
    """
    account = AccountLedger.of(history, sleeves, terms, *span)
    if account.fund is None:  # what lacked cash for it stands in the order of the verdicts, which columns do not have
        asked = ((own.name, ColumnSleeve.of(own, terms, *span)) for own in account.ledgers if own.views is not None)
        account.columns = {name: one for name, one in asked if one is not None}
    _play(account, None, heard)
    return _played(account)


def play_with_options(
    history: SessionHistory, sleeves: Sequence[Sleeve], terms: PlayTerms, options: "OptionTerms", first: int, stop: int
) -> PlayedAccount:
    """Play an account of which sleeves trade options; see `play_account`.

    Over the night contracts expire or are assigned, and shares change hands at the strike. At the close each sleeve of
    options is quoted, decides with the clauses of the last gate, and fills at the model's spread.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    sleeves : sequence of Sleeve
        Sleeves of the account.
    terms : PlayTerms
        On what terms history is played.
    options : OptionTerms
        How they are quoted, and what they may do.
    first : int
        Position of the first session.
    stop : int
        Position to stop before.
    """
    from mtum.core.simulation.options.desk import OptionDesk  # what an account of shares does without

    account = AccountLedger.of(history, sleeves, terms, first, stop)
    desk = OptionDesk.of(account.history, account.ledgers, options, terms.account)
    _play(account, desk, options.told)
    return replace(_played(account), options={one.name: one.played(options.points) for one in desk.sleeves})


def _play(account: AccountLedger, desk: "OptionDesk | None", told: Callable[[Decision], None]) -> None:
    terms = account.terms
    for t in range(account.first, account.stop):
        if desk is not None:
            desk.open_session(t, account.first)
        for own in account.ledgers:
            own.open_session(t)
        if desk is not None:
            desk.quote(t)
        account.move_cash(t)
        decided = account.decide(t)
        if desk is not None:
            halts = {own.name: own.sleeve.restricted(restriction_of(account, own)) for own in account.ledgers}
            there = None if account.fund is None else account.settled()[0]
            cash = account.cash_of(t, account.real)
            decided = desk.decide(t, decided, cash, halts, there, shares_usd(account, t))
            account.options_usd = desk.counted_usd()
        for _, decision in decided:
            told(decision)
        account.order(t, decided)
        for own in account.ledgers:
            own.pay_due()
            if terms.fill is FillModel.SAME_CLOSE:
                own.fill_waiting(t)
            if desk is not None:
                desk.fill(own)
            own.close_session(t)
        account.close_session(t)


def _played(account: AccountLedger) -> PlayedAccount:
    every = {own.name: own.played(account.first, account.stop) for own in account.ledgers}
    real = {own.name: every[own.name] for own in account.real}
    several = len(every) > 1
    parts = [one.played for one in real.values()]
    trades = sorted(
        (trade for one in parts for trade in one.trades), key=lambda trade: (trade.entry_session, trade.symbol)
    )
    total = Played(
        symbol="+".join(account.history.bars),
        days=account.history.days[account.first : account.stop],
        equity=np.array(account.equities),
        # What the cash fund holds is cash.
        held=np.array(
            np.any([one.played.held > 0 for name, one in real.items() if name != FUND], axis=0), dtype=np.float64
        ),
        trades=tuple(trades),
        capital_usd=sum(one.capital_usd for one in parts),
        purchases_capped=sum(one.purchases_capped for one in parts),
        orders=tuple(sorted((order for one in parts for order in one.orders), key=lambda order: order.session)),
        notes=(
            *(f"{name}: {note}" if several else note for name, one in every.items() for note in one.played.notes),
            *account.costs.notes(),
        ),
        costs=account.costs.taken(),
    )
    return PlayedAccount(
        total=total,
        sleeves=real,
        shares=account.shares,
        prices={symbol: account.history.worth_of(symbol)[account.first : account.stop] for symbol in account.shares},
        cuts=tuple(account.cuts),
        held_back=tuple(account.held_back),
        transfers=tuple(account.transfers),
        watched={name: one for name, one in every.items() if name not in real},
    )
