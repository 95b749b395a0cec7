"""A sleeve of an account whose strategy is asked by columns: what its form says at a session, as verdicts."""

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from mtum.core.market.coverage import Dividends
from mtum.core.portfolio.decision import Action, Decision, Standing, StopRules
from mtum.core.portfolio.limits import LossRules, daily_loss_hit, drawdown_hit
from mtum.core.simulation.ended import Stretch
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_views import looked_at
from mtum.core.simulation.sleeve_ledger import SleeveLedger
from mtum.core.simulation.walker.books import book_of, desk_of, market_of, plain
from mtum.core.simulation.walker.tables import COUNTS, DECIDED, FILLED, TARGETS, Book, Desk, Market, Terms, Wishes
from mtum.core.simulation.walker.terms import loop_terms, unsaid
from mtum.core.simulation.walker.trail import follow
from mtum.core.simulation.walker.verdicts import say
from mtum.core.simulation.walker.wants import wanted
from mtum.core.strategies.answers import UNFIT
from mtum.core.strategies.contract import Abstain, Keep, Shares, SymbolVerdict, Target, Verdict


class ColumnSleeve(Struct):
    """The column form of a sleeve's strategy, and what the form has to know of the sleeve's ledger.

    Parameters
    ----------
    symbols : tuple of str
        Columns of the form.
    filled : int
        How many orders of the ledger the book knows; `standing` are the purchases that it knows.
    """

    own: SleeveLedger
    symbols: tuple[str, ...]
    market: Market
    wishes: Wishes
    terms: Terms
    reasons: tuple[tuple[str, ...], ...]
    book: Book
    desk: Desk
    filled: int = -1
    standing: tuple[Standing, ...] = ()

    @classmethod
    def of(cls, own: SleeveLedger, terms: PlayTerms, first: int, stop: int) -> "ColumnSleeve | None":
        """Return it before the first session; None where the strategy has to be asked session by session.

        Parameters
        ----------
        own : SleeveLedger
            The books of the sleeve.
        terms : PlayTerms
            On what terms history is played.
        first : int
            Position of the first session.
        stop : int
            Position to stop before.
        """
        history, strategy, rules = own.history, own.strategy, own.sleeve.rules
        looked = looked_at(strategy)
        untold = strategy.TOTAL_RETURNS and any(history.dividends.get(one) is Dividends.UNKNOWN for one in looked)
        ends = any(history.ended(one, stop - 1) for one in looked)
        if untold or ends or rules.stops != StopRules() or own.sleeve.forced_exits or unsaid(history, strategy):
            return None
        mine, symbols = replace(terms, rules=rules), strategy.universe()
        found = wanted(history, [Stretch(strategy, first, stop)], mine, compiled=False)
        if found is None:
            return None
        market, (wishes,) = market_of(history, found.market, symbols, mine), found.wishes
        before = np.vstack([market.closing[:1], market.closing[:-1]])
        return cls(
            own=own,
            symbols=symbols,
            market=plain(market._replace(seen=np.where(market.fit, market.closing, before))),
            wishes=plain(wishes),
            terms=loop_terms(strategy, mine),
            reasons=found.reasons,
            book=plain(book_of(terms, len(symbols), len(wishes.triggers))),
            desk=plain(desk_of(len(symbols))),
        )

    def ask(self, t: int) -> Decision | tuple[SymbolVerdict, ...]:
        """Return the decision of a session where nothing is to be ordered, else the verdicts that are.

        A decision without orders has no verdicts.
        """
        own, wishes, book = self.own, self.wishes, self.book
        if self.filled != len(own.orders) or self.standing != own.standing:
            self._follow_ledger()
        equity, losses = self._equity(t), own.sleeve.rules.losses
        lost, fallen = self._losses(equity, losses)
        stopped = wishes.trails and follow(self.market, wishes, book, t)
        drifts = book.marks[DECIDED] >= 0 and wishes.most_drift < np.inf
        forced = bool(own.standing or own.exit_pending) or (lost and losses.flatten_on_daily_loss)
        asked = wishes.row[t] >= 0 or drifts or stopped or forced
        if (asked and say(self.market, wishes, self.terms, book, self.desk, (t, equity))) or forced:
            return tuple(self._verdict(t, i) for i in self.desk.sequence)
        return Decision(
            session=own.history.day(t),
            strategy=own.name or own.strategy.name,
            action=Action.HOLD,
            reasons=("hold",),
            verdicts=(),
            orders=(),
            equity_usd=equity,
            daily_loss_hit=lost,
            drawdown_hit=fallen,
        )

    def _verdict(self, t: int, i: int) -> SymbolVerdict:
        found: Verdict = Keep()
        reasons: tuple[str, ...] = ("hold",)
        if not self.market.fit[t][i]:
            found, reasons = Abstain(), (UNFIT,)
        elif self.desk.verdict[i] in (TARGETS, COUNTS):
            target = self.desk.verdict[i] == TARGETS
            found = Target(float(self.desk.weight[i])) if target else Shares(int(self.desk.number[i]))
            reasons = self.reasons[self.desk.word[i]]
        return SymbolVerdict(self.symbols[i], found, reasons, (), {})

    def _equity(self, t: int) -> float:
        # As `equity_at` adds it up.
        own, seen = self.own, self.market.seen[t]
        held = sum(one.shares * seen[self.symbols.index(symbol)] for symbol, one in own.holdings.items() if one.shares)
        return float(float(own.cash) + float(own.due) + held)

    def _losses(self, equity: float, rules: LossRules) -> tuple[bool, bool]:
        state = self.own.closes.losses(float(self.own.moved), equity_usd=equity)
        return daily_loss_hit(state, rules, equity), drawdown_hit(equity, state, rules)

    def _follow_ledger(self) -> None:
        own, book = self.own, self.book
        stands = {one.symbol: one.shares for one in own.standing}
        for i, symbol in enumerate(self.symbols):
            held, begun = own.holdings.get(symbol), book.shares[i] > 0
            book.shares[i], book.stands[i] = held.shares if held else 0, stands.get(symbol, -1)
            if held is None or held.entry_price is None or held.entry_session is None:
                continue
            if not begun:
                entered = int(np.searchsorted(own.history.days, np.datetime64(held.entry_session)))
                # What was there at the start was bought at a close, which before the warm-up's end no decision saw.
                book.decided[i], book.high[i] = self.market.counted[entered], self.market.closing[entered][i]
            book.entry[i], book.units[i] = held.entry_price, held.added + 1
            book.last[i] = held.entry_price if held.added_price is None else held.added_price
        if own.last_fill is not None:
            filled = int(np.searchsorted(own.history.days, np.datetime64(own.last_fill)))
            book.marks[FILLED] = self.market.counted[filled]
        self.filled, self.standing = len(own.orders), own.standing
