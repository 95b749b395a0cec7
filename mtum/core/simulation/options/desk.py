"""The sleeves of a played account that trade options: quoted, ended, decided and filled session by session."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.coordination.account import AccountRules
from mtum.core.decide_options import OptionDecision, OptionSessionRules, chains_wanted, decide_options
from mtum.core.market.coverage import Dividends
from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Session, Sessions
from mtum.core.option_limits import ExposureLimits, exposures
from mtum.core.options.asking import ChainRequest, OwnOptions
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionPurpose
from mtum.core.options.model.dividends import DIVIDENDS_BEFORE, NEAR_SESSIONS
from mtum.core.options.model.ending import Night
from mtum.core.options.model.listing import number_of
from mtum.core.options.model.quotes import ModelChain
from mtum.core.options.selecting import Window
from mtum.core.portfolio.decision import Decision
from mtum.core.portfolio.fills import Fill, fifo
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.lots import filled, happened
from mtum.core.portfolio.options.orders import ZERO, OptionIntent, at_work
from mtum.core.portfolio.options.own import Told, groups_in, last_opened, premium_of_year, with_ex_dates
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sleeves import CLOSED, SleeveState
from mtum.core.simulation.options.endings import NightOf, ended_over
from mtum.core.simulation.options.fills import Filled, filled_at
from mtum.core.simulation.options.sleeve_options import SleeveOptions
from mtum.core.simulation.options.terms import OptionTerms
from mtum.core.simulation.played_options import PlayedOptionEvent, PlayedOptionOrder
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.sleeve_ledger import SleeveLedger
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.errors import DataError

LAST_CANCEL_MINUTES = 5.0
INDEXES = frozenset({"VIX"})
"""Underlyings that have no bars: their closes are an index's."""
TRADED_BACK = "traded_back"


class OptionDesk(Struct, frozen=True):
    """Every sleeve of options of an account."""

    history: SessionHistory
    terms: OptionTerms
    sleeves: tuple[SleeveOptions, ...]
    limits: AccountRules

    @classmethod
    def of(
        cls, history: SessionHistory, ledgers: Sequence[SleeveLedger], terms: OptionTerms, limits: AccountRules
    ) -> "OptionDesk":
        """Return the desk before the first session.

        Parameters
        ----------
        history : SessionHistory
            Bars per symbol, and extra series by session.
        ledgers : sequence of SleeveLedger
            Books of the sleeves.
        terms : OptionTerms
            What a history with options is played with.
        limits : AccountRules
            Limits of the account.
        """
        found = [
            SleeveOptions(own, own.strategy)
            for own in ledgers
            if isinstance(own.strategy, OptionStrategy) and own.views is not None
        ]
        return cls(history, terms, tuple(found), limits)

    def open_session(self, t: int, first: int) -> None:
        """Book what the night did: expiries, assignments, and the shares that they bring or take."""
        for one in self.sleeves if t > first else ():
            if one.book.lots:
                self._night(one, t)

    def quote(self, t: int) -> None:
        """Quote what each sleeve wants and holds, and mark what it holds."""
        session = self._session(t)
        asked: dict[ChainRequest, ModelChain | str] = {}
        for one in self.sleeves:
            assert one.own.views is not None  # it decides
            one.view = one.own.views.at(t)
            wanted = chains_wanted(one.view, one.strategy, self._own(one, one.own.cash, ZERO))
            chains = {}
            for request in wanted:
                if request not in asked:
                    asked[request] = self._chain(request, session, t)
                found = asked[request]
                if isinstance(found, str):
                    one.unquoted[found] += 1
                else:
                    chains[request.underlying] = found
            one.quote(chains)
            one.tell()

    def decide(
        self,
        t: int,
        decided: Sequence[tuple[SleeveLedger, Decision]],
        cash: Mapping[str, tuple[Decimal, Decimal]],
        restriction: Mapping[str, Restriction],
        there_usd: Decimal | None,
        shares_usd: Mapping[str, Decimal],
    ) -> list[tuple[SleeveLedger, Decision]]:
        """Decide the options of every sleeve; return what is left of the decisions on shares.

        Parameters
        ----------
        t : int
            Position of the session.
        decided : sequence of (SleeveLedger, Decision)
            Each sleeve's books with its decision on shares.
        cash : mapping of str to (Decimal, Decimal)
            Settled cash of each sleeve that no option of its own pins.
        restriction : mapping of str to Restriction
            Halts in force, by sleeve.
        there_usd : Decimal or None
            Settled cash of the account that is in no cash fund and that nothing pins; None without such a fund.
        shares_usd : mapping of symbol to Decimal
            What the account's shares are worth, without the cash fund's.
        """
        by_name = {one.own.name: one for one in self.sleeves}
        account = sum(
            (exact(round(decision.equity_usd, 2)) for own, decision in decided if own.sleeve.owns_money), ZERO
        )
        kept, others = [], list[OptionIntent]()
        for own, decision in decided:
            one = by_name.get(own.name)
            if one is None or one.own is not own:
                kept.append((own, decision))
                continue
            left = one.unpledged(decision)
            kept.append((own, left))
            free = cash[own.name][0] if own.name in cash else max(ZERO, own.cash - own.reserved_usd)
            rules = self._rules(one, t, left, account, restriction[own.name], others)
            if own.sleeve.owns_money:
                rules = replace(rules, there_usd=there_usd, limits=ExposureLimits.of(self.limits, account, shares_usd))
            mine = replace(self._own(one, free, exact(round(decision.equity_usd, 2))), account_equity=account)
            mine = _with_ex_dates(self, t, mine)
            assert one.view is not None  # it was quoted
            one.decision = decide_options(one.view, one.strategy, mine, one.read, rules)
            one.held_back.update(note.reason for note in one.decision.notes)
            openings = [said for said in one.decision.verdicts if not said.group and said.proposal is None]
            one.not_opened.update(said.reasons[0] for said in openings)
            own.waiting_usd = one.decision.waiting_usd
            before, own.reserved_usd = own.reserved_usd, one.pinned_usd()
            if own.sleeve.owns_money:
                others += one.decision.intents
                there_usd = None if there_usd is None else there_usd - (own.reserved_usd - before)
        return kept

    def counted_usd(self) -> dict[str, float]:
        """Return what options and their orders count with in the limits of the account, USD by underlying."""
        real = [one for one in self.sleeves if one.own.sleeve.owns_money]
        lots = tuple(lot for one in real for lot in one.book.lots)
        working = at_work([intent for one in real for intent in one.decision.intents])
        marks = {number: usd for one in real for number, usd in one.marks.items()}
        return {name: round(float(usd), 2) for name, usd in exposures(lots, working, marks).items()}

    def fill(self, own: SleeveLedger) -> None:
        """Fill what a sleeve decided, at the quotes of the close."""
        for one in self.sleeves:
            if one.own is own:
                for intent in one.decision.intents:
                    self._fill(one, intent)
                one.decision = OptionDecision()
                one.tell()

    def _session(self, t: int) -> Session:
        day = self.history.day(t)
        found = self.terms.sessions.get(day)
        if found is None:
            raise DataError(f"{day} is no session of the exchange, so no options are quoted on it")
        return found

    def _spot(self, underlying: str, t: int) -> float | None:
        if underlying in INDEXES:
            return self.terms.index(underlying, self._session(t).close)
        return self.history.close(underlying, t)

    def _chain(self, request: ChainRequest, session: Session, t: int) -> ModelChain | str:
        spot = self._spot(request.underlying, t)
        if spot is None:
            return f"{request.underlying}: its price is not known"
        try:
            return self.terms.chain(request, spot, session.close)
        except DataError as error:
            return str(error)

    def _own(self, one: SleeveOptions, free: Decimal, equity: Decimal) -> OwnOptions:
        holdings = one.own.holdings
        return OwnOptions(
            groups=groups_in(one.book),
            equity=equity,
            free_cash=max(ZERO, free),
            shares={symbol: held.shares for symbol, held in holdings.items() if held.shares},
            lot_prices={symbol: dearest_of(one.own.fills[symbol]) for symbol, held in holdings.items() if held.shares},
            last_opened=last_opened(one.book),
            premium_of_year=premium_of_year(one.book, one.view.session) if one.view else ZERO,
        )

    def _rules(
        self,
        one: SleeveOptions,
        t: int,
        decision: Decision,
        account: Decimal,
        restriction: Restriction,
        others: Sequence[OptionIntent],
    ) -> OptionSessionRules:
        session, own = self._session(t), one.own
        held = {lot.contract.underlying for lot in one.book.lots}
        closes = own.sleeve.state is SleeveState.CLOSE
        flattens = own.last_hit is not None and own.sleeve.rules.losses.flatten_on_daily_loss
        reason = CLOSED if closes else "daily_loss" if flattens else ""
        return OptionSessionRules(
            account=self.terms.account,
            sleeve=one.name,
            session=session,
            deadline=session.before_close(LAST_CANCEL_MINUTES),
            gate=self.terms.rules(exact(round(decision.equity_usd, 2)), account),
            restriction=restriction,
            entry_bar="daily_loss" if decision.daily_loss_hit else "drawdown" if decision.drawdown_hit else "",
            closed=dict.fromkeys(sorted(held), reason) if reason else {},
            lots=tuple(lot for other in self.sleeves if _counts_for(other, one) for lot in other.book.lots),
            working=at_work(others),
        )

    def _fill(self, one: SleeveOptions, intent: OptionIntent) -> None:
        chain = one.chains.get(intent.underlying)
        quotes = {row.contract.con_id: row.quote for row in chain.chain.rows} if chain else {}
        found = filled_at(intent, quotes, self.terms.fill_part, self.terms.fees)
        done = found if isinstance(found, Filled) else None
        if done is not None:
            one.fees_usd += done.fees_usd
            units = intent.quantity * intent.legs[0].contract.multiplier
            one.spread_usd += (done.net - done.mid) * units
            numbers = [leg.contract.con_id for leg in intent.legs]
            mids = chain.mids if chain else {}
            one.marks |= {number: exact(mids[number]) for number in numbers if number in mids}
            one.book_now(filled(one.book, done.fills))
            if intent.purpose is not OptionPurpose.CLOSE:
                one.own.opened = intent.session
        one.orders.append(
            PlayedOptionOrder(
                session=intent.session,
                sleeve=one.name,
                underlying=intent.underlying,
                purpose=intent.purpose.value,
                group=intent.group,
                legs=tuple(leg.words for leg in intent.legs),
                quantity=intent.quantity,
                start=float(intent.envelope.start),
                net=round(float(done.net), 6) if done else None,
                fees_usd=round(float(done.fees_usd), 2) if done else 0.0,
                reasons=intent.reasons,
                why_not=found if isinstance(found, str) else "",
            )
        )

    def _night(self, one: SleeveOptions, t: int) -> None:
        before = self._session(t - 1)

        def night(underlying: str) -> Night | None:
            close = self._spot(underlying, t - 1)
            paid = _dividend(self.history, underlying, t)
            if close is None:
                return None
            return Night(before.day, self.history.day(t), exact(round(close, 6)), self.terms.rate, paid)

        def opposite(contract: OptionContract) -> float | None:
            found = self._chain(_alone(_opposite(contract)), before, t - 1)
            return None if isinstance(found, str) else found.mids.get(_opposite(contract).con_id)

        ended = ended_over(self.terms.account, one.book, NightOf(night, opposite))
        if not ended:
            return
        already = len(one.book.delivered)
        one.book_now(happened(one.book, [event for event, _ in ended]))
        for event, ending in ended:
            one.events.append(
                PlayedOptionEvent(
                    session=event.effective,
                    sleeve=one.name,
                    underlying=event.contract.underlying,
                    kind=event.kind.value,
                    contract=event.contract.words,
                    quantity=event.quantity,
                    shares=event.shares,
                    cash_usd=round(float(event.cash_usd), 2),
                    told=ending.told,
                )
            )
        for came in one.book.delivered[already:]:
            reason = "assigned" if not came.broken else TRADED_BACK
            if came.broken:
                _trade_back(self.history, one, came.underlying, came.shares, t)
            else:
                one.own.deliver(came.underlying, came.shares, came.price, t - 1, reason)


def _counts_for(other: SleeveOptions, one: SleeveOptions) -> bool:
    return other is not one and other.own.sleeve.owns_money and one.own.sleeve.owns_money


def dearest_of(fills: Sequence[Fill]) -> Decimal:
    """Return what the dearest of the shares that are still held cost, USD per share: what came first went first."""
    bought = [fill for fill in fills if fill.side is Side.BUY]
    gone = fifo([fill.shares for fill in bought], sum(fill.shares for fill in fills if fill.side is Side.SELL))
    gone += [0] * (len(bought) - len(gone))
    return max(fill.price for fill, number in zip(bought, gone, strict=True) if fill.shares > number)


def _trade_back(history: SessionHistory, one: SleeveOptions, underlying: str, shares: int, t: int) -> None:
    # Shares of a broken group belong to no plan: they go at the close of the session, at its cost.
    close = history.close(underlying, t)
    assert close is not None  # it closed in the session before
    side = Side.SELL if shares > 0 else Side.BUY
    priced = one.own.costs.fill((underlying, side, abs(shares)), exact(close), t, one.own.name)
    usd = shares * priced.price - priced.commission_usd
    one.own.cash += usd
    told = f"{abs(shares)} shares of a broken group at {float(priced.price):.2f}"
    day = history.day(t)
    one.events.append(
        PlayedOptionEvent(day, one.name, underlying, TRADED_BACK, "", -shares, -shares, round(float(usd), 2), told)
    )


def _dividend(history: SessionHistory, underlying: str, t: int) -> list[tuple[date, Decimal]]:
    if underlying in INDEXES:
        return []
    row = history.bar_row(underlying, t)
    usd = 0.0 if row is None else float(history.bars[underlying].dividend[row])
    return [(history.day(t), exact(usd))] if usd > 0 else []


def _alone(contract: OptionContract) -> ChainRequest:
    return ChainRequest(contract.underlying, Window(0, 0, 0), frozenset(), (0.0, 0.0), (contract,))


def _opposite(contract: OptionContract) -> OptionContract:
    right = Right.PUT if contract.right is Right.CALL else Right.CALL
    number = number_of(contract.trading_class, contract.expiry, right, contract.strike)
    return replace(contract, con_id=number, right=right)


def _with_ex_dates(desk: OptionDesk, t: int, own: OwnOptions) -> OwnOptions:
    day, known = desk.history.day(t), desk.terms.sessions.known

    def told(underlying: str) -> Told:
        bars = desk.history.bars.get(underlying)
        if bars is None:
            return Dividends.NONE, ()
        since = bars.since(day - DIVIDENDS_BEFORE).until(day)
        paid = [(since.day(row), float(since.dividend[row])) for row in range(len(since))]
        return desk.history.dividends.get(underlying, Dividends.KNOWN), paid

    at = bisect_right(known, day, key=lambda one: one.day)
    return with_ex_dates(own, day, Sessions(known[at : at + NEAR_SESSIONS]), told)
