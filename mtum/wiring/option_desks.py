"""Ties options to a desk: a broker that trades them behind its last gate, and the chains it quotes."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial

from mtum.adapters.brokers.ib.options.broker import IbOptionBroker
from mtum.adapters.brokers.option_gate import Both, GatedOptionBroker
from mtum.adapters.brokers.simulated import SimulatedBroker
from mtum.adapters.brokers.simulated_options import SimulatedOptionBroker
from mtum.adapters.ib.contracts import Contracts
from mtum.adapters.ib.options.chain import IbChains
from mtum.app.ledger.gate_records import gate_records, intent_named, with_own_orders
from mtum.app.model_chains import RATE
from mtum.config import Settings
from mtum.core.options.model.dividends import NEAR_SESSIONS, untold
from mtum.core.portfolio.gate import GateRules
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.options.gate_facts import ExDividend
from mtum.core.portfolio.options.own import all_pinned_usd
from mtum.ports.control_store import ControlStore
from mtum.ports.options import ChainSource
from mtum.ports.store import Store
from mtum.ports.time import Calendar

NEAR = timedelta(days=30)
"""Beyond it no clause looks at a dividend."""


def ib_options(contracts: Contracts, settings: Settings, store: Store) -> IbOptionBroker:
    """Return the broker over the run's connection, in shares and in options.

    Parameters
    ----------
    contracts : Contracts
        Contracts as the broker describes them over the run's connection.
    settings : Settings
        Settings in force.
    store : Store
        The program's records.
    """
    broker = IbOptionBroker(contracts, settings.broker.acknowledge_seconds)
    broker.ordered = partial(intent_named, store.options)
    return broker


def ib_chains(contracts: Contracts) -> IbChains:
    """Return the chains that the broker quotes."""
    return IbChains(contracts, RATE)


def ex_dividend(broker: Both, calendar: Calendar, symbol: str, day: date) -> ExDividend | None:
    """Return how near a share's next dividend is; None where none goes ex in the next weeks.

    A broker that is silent has not told that there is none. The practice exchange is not asked: its chains expect
    dividends, and nobody announces them there.

    Parameters
    ----------
    broker : Both
        A broker of shares and of options.
    calendar : Calendar
        The exchange's trading sessions.
    symbol : str
        Ticker.
    day : date
        The session's date.
    """
    if not isinstance(broker, IbOptionBroker):
        return None
    told = broker.next_dividend(symbol)
    if told is None:
        ahead = [one.day for one in calendar.sessions(day, day + NEAR) if one.day > day]
        possible = untold(day, ahead[:NEAR_SESSIONS]).sessions
        return None if possible is None else ExDividend(possible, None, told=False)
    if not day <= told[0] <= day + NEAR:
        return None
    return ExDividend(len(list(calendar.sessions(day, told[0]))) - 1, told[1])


def gated_options(
    broker: Both,
    rules: GateRules,
    calendar: Calendar,
    told: tuple[Settings, Store],
    pinned: Callable[[str], str] = lambda _: "",
) -> GatedOptionBroker:
    """Return a broker behind the last gate, which judges options beside what our own records say of them.

    Parameters
    ----------
    broker : Both
        A broker of shares and of options.
    rules : GateRules
        What the gate allows, independent of any decision.
    calendar : Calendar
        The exchange's trading sessions.
    told : tuple of (Settings, Store)
        Where limits, halts, lots and orders stand.
    pinned : callable
        Returns the contract pinned for a symbol by now, "" for none.
    """
    settings, store = told
    gated = GatedOptionBroker(broker, rules, calendar, pinned)
    gated.contracts = store.options.contracts
    gated.promised = lambda: all_pinned_usd(store.options.book().lots)
    gated.explained = partial(with_own_orders, store)
    coming = partial(ex_dividend, broker, calendar)
    gated.records = lambda attempt, lists: gate_records(store, settings, attempt, lists, coming)
    gated.halt = lambda sleeve, why, at: stop_openings(store.control, sleeve, why, at)
    return gated


def stop_openings(control: ControlStore, sleeve: str, why: str, at: datetime) -> None:
    """Put a halt of a sleeve's openings in force after a refusal that a person has to look at.

    Parameters
    ----------
    control : ControlStore
        Halts, snapshots and facts about the database.
    sleeve : str
        Name of the sleeve.
    why : str
        Why, in words.
    at : datetime
        Instant of it, UTC.
    """
    control.halt(Restriction.REDUCE_ONLY, why, "broker", at, sleeve)


def practice_options(
    broker: SimulatedBroker,
    told: tuple[Settings, Store],
    rules: GateRules,
    calendar: Calendar,
    chains: ChainSource,
) -> GatedOptionBroker:
    """Return the simulated exchange behind the last gate, its options quoted by the chains that are decided on.

    Parameters
    ----------
    broker : SimulatedBroker
        A broker without a wire: what its file does not hold was certainly never taken.
    told : (Settings, Store)
        Settings and records.
    rules : GateRules
        What the gate allows, independent of any decision.
    calendar : Calendar
        The exchange's trading sessions.
    chains : ChainSource
        Where chains come from; of a model's prices every figure made from them is labeled so.

    Raises
    ------
    TypeError
        If it is the exchange of shares alone.
    """
    if not isinstance(broker, SimulatedOptionBroker):
        raise TypeError(f"{broker.name} trades no options")
    broker.trade_at(chains, RATE, told[0].options.level)
    return gated_options(broker, rules, calendar, told)
