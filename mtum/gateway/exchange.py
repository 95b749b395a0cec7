"""The gateway's hold on the simulated exchange: every change is saved before anyone hears of it."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec.structs import replace

from mtum.core.simulation.account_book import adjust_cash, with_account, with_position
from mtum.core.simulation.admission import ExchangeRules, Moment, Refusal
from mtum.core.simulation.exchange import (
    ExchangeEvent,
    advance,
    cancel,
    correct_execution,
    place,
)
from mtum.core.simulation.exchange_codec import from_bytes, to_bytes
from mtum.core.simulation.exchange_state import (
    ExchangeAccount,
    ExchangeOrder,
    ExchangeState,
    ExchangeTicket,
    Execution,
    FillPlan,
    Position,
)
from mtum.core.simulation.options.trading import OptionEvent, advance_options
from mtum.core.simulation.options.venue import OptionVenue
from mtum.gateway.behavior import Behavior
from mtum.gateway.market import Market
from mtum.gateway.option_market import OptionMarket


class StoredExchange:
    """Owns the exchange's state.

    Parameters
    ----------
    stored : bytes or None
        State of an earlier run; None starts afresh.
    accounts : iterable of ExchangeAccount
        Accounts of the login; those the stored state lacks are added.
    save : callable of bytes
        Called with the whole state after each change, before any answer.
    """

    def __init__(
        self,
        market: Market,
        rules: ExchangeRules,
        save: Callable[[bytes], None],
        stored: bytes | None = None,
        accounts: Iterable[ExchangeAccount] = (),
    ) -> None:
        self._market = market
        self._save = save
        self._saved = stored
        self.rules = rules
        self.options = OptionMarket(market)
        self.venue = OptionVenue(self.options)
        self.state = from_bytes(stored) if stored else ExchangeState()
        for account in accounts:
            if self.state.account(account.code) is None:
                self._keep(with_account(self.state, account))

    def reload(self) -> None:
        """Forget what is in memory and read the saved state, as a restart does."""
        self.state = from_bytes(self._saved) if self._saved else ExchangeState()

    def advance(self) -> list[ExchangeEvent | OptionEvent]:
        """Bring the exchange to the market's instant, through every close that has passed."""
        events: list[ExchangeEvent | OptionEvent] = []
        state = self.state
        passed = self._market.closings_since(state.session) if state.session else []
        for moment in (*passed, self._market.moment()):
            state, of_options = advance_options(state, moment, self.venue)
            state, happened = advance(state, moment, self.rules)
            events += [*of_options, *happened]
        self._keep(state)
        return events

    def place(self, ticket: ExchangeTicket) -> ExchangeOrder | Refusal:
        """Give an order to the exchange."""
        state, outcome = place(self.state, ticket, self._market.moment(), self.rules)
        self._keep(state)
        return outcome

    def cancel(self, perm_id: int) -> ExchangeOrder | Refusal:
        """Cancel an order by its permanent id."""
        state, outcome = cancel(self.state, perm_id, self._market.moment(), self.rules)
        self._keep(state)
        return outcome

    def carry_out[T](self, operation: Callable[[ExchangeState, Moment], tuple[ExchangeState, T]]) -> T:
        """Do something else with the state, save what becomes of it, and return what came of it."""
        state, outcome = operation(self.state, self._market.moment())
        self._keep(state)
        return outcome

    def plan(self, plan: FillPlan | None) -> None:
        """Add an instruction to misbehave; None removes all of them."""
        self._keep(replace(self.state, plans=() if plan is None else (*self.state.plans, plan)))

    def correct(self, execution: Execution, price: Decimal) -> Execution:
        """Correct an execution's price and return the correction."""
        self._keep(correct_execution(self.state, execution.exec_id, price))
        return self.state.executions[-1]

    def deposit(self, code: str, amount: Decimal) -> None:
        """Pay settled US dollars into an account (or out).

        Raises
        ------
        ValueError
            If there is no such account.
        """
        self._keep(with_account(self.state, adjust_cash(self._account(code), amount)))

    def hold(self, code: str, position: Position) -> None:
        """Give an account a position, as a transfer from elsewhere does.

        Raises
        ------
        ValueError
            If there is no such account.
        """
        state = with_account(self.state, with_position(self._account(code), position))
        contract = self.options.of_name(position.symbol)
        if contract is not None and contract not in state.option_books.contracts:
            books = state.option_books
            state = replace(state, options=replace(books, contracts=(*books.contracts, contract)))
        self._keep(state)

    def use_rules(self, behavior: Behavior) -> None:
        """Change cut-off policies, and how options are taken and filled."""
        late, after_close = behavior.late_on_close, behavior.after_close
        self.rules = replace(self.rules, late_on_close=late, after_close=after_close)
        level, reach = behavior.option_level, behavior.fill_reach
        self.venue = replace(self.venue, after_close=after_close, level=level, reach=reach)

    def _account(self, code: str) -> ExchangeAccount:
        account = self.state.account(code)
        if account is None:
            raise ValueError(f"the gateway has no account {code!r}")
        return account

    def _keep(self, state: ExchangeState) -> None:
        if state is self.state:
            return
        stored = to_bytes(state)
        self._save(stored)
        self._saved, self.state = stored, state
