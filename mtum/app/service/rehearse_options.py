"""Would today's run have its options: a broker that trades them, and the chains that it decides on?"""

from collections.abc import Iterator

from mtum.app.desk import Desk
from mtum.app.service.rehearse_market import Check, CheckState
from mtum.core.market.instruments import Right
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import BOUGHT, ON_FUTURE, SOLD, illiquid, read
from mtum.core.options.selecting import Window
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.errors import DataError, ExitCode, MtumError
from mtum.ports.options import ChainSource, OptionBroker

LOOKED_AT, DELTAS = Window(30, 60, 45), (0.25, 0.35)
"""Contracts by which an underlying is looked at: those that its market is judged by."""


def option_checks(desk: Desk, chains: ChainSource) -> Iterator[Check]:
    """Look at the broker's options, and at the chain of every underlying that a sleeve may trade options on."""
    if not isinstance(desk.broker, OptionBroker):
        yield Check(
            "options", CheckState.NO_GO, f"{desk.broker.name} trades none", "name another broker", ExitCode.USAGE
        )
        return
    yield _listed(desk, desk.broker)
    traded = (one.strategy.underlyings() for one in desk.deciding if isinstance(one.strategy, OptionStrategy))
    for symbol in dict.fromkeys(symbol for some in traded for symbol in some):
        yield _chain(desk, chains, symbol)


def _listed(desk: Desk, broker: OptionBroker) -> Check:
    try:
        lists = broker.option_lists(desk.store.options.contracts())
    except MtumError as error:
        return Check("options", CheckState.NO_GO, str(error), "`mtum doctor` again", ExitCode(error.exit_code))
    strange = (*lists.unknown, *lists.unread)
    if strange:
        remedy = "look at the broker's own screen; nothing is opened in these underlyings"
        return Check("options", CheckState.WARNING, f"nobody can say what this is: {'; '.join(strange)}", remedy)
    works = sum(1 for order in lists.working if order.legs)
    return Check("options", CheckState.OK, f"{len(lists.positions)} contracts held, {works} orders work")


def _chain(desk: Desk, chains: ChainSource, symbol: str) -> Check:
    name, request = f"chain {symbol}", ChainRequest(symbol, LOOKED_AT, frozenset(Right), DELTAS)
    try:
        spot = float(desk.broker.price(symbol))
        found = read(chains.chain(request, spot, desk.clock.now()))
    except DataError as error:
        remedy = "are its options and it itself subscribed to, and is their market open?"
        return Check(name, CheckState.NO_GO, str(error), remedy, ExitCode.DATA)
    except MtumError as error:
        return Check(name, CheckState.NO_GO, str(error), "`mtum doctor` again", ExitCode(error.exit_code))
    quoted = f"{len(found.readings)} of {len(found.chain.rows)} contracts quoted"
    # What is bought there may be quoted wider than what is sold elsewhere.
    if (why := illiquid(found, BOUGHT if symbol in ON_FUTURE else SOLD)) is not None:
        return Check(name, CheckState.WARNING, f"{quoted}; {why}", "nothing is opened in it")
    return Check(name, CheckState.OK, f"{quoted}, {len(found.forwards)} expiries ({chains.name})")
