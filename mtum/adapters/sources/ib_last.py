"""What symbols traded at last, over a connection of its own that only reads: for eyes, never for a decision."""

from collections.abc import Iterator, Sequence
from functools import partial

from mtum.adapters.ib.contracts import Contracts
from mtum.adapters.ib.messages import HALTED, LAST, GenericTick
from mtum.adapters.ib.requests import RequestChain, last_trade
from mtum.adapters.sources.ib import asked, either, is_delayed, prices_of, traded_at
from mtum.errors import BrokerUnavailableError, MtumError, SourceUnavailableError
from mtum.ports.market_data import LastPrice

ROUND_SECONDS = 40.0
"""Longest time that the prices of all symbols may take together."""


def last_prices(contracts: Contracts, symbols: Sequence[str]) -> Iterator[tuple[str, LastPrice | MtumError]]:
    """Yield of each symbol its last price, or why there is none.

    Raises
    ------
    BrokerUnavailableError
        If there is no connection, or nothing was answered over it.
    """
    connector = contracts.connector
    found = connector.run_all([partial(_last_price, contracts, one) for one in symbols], ROUND_SECONDS)
    if not found:
        connector.close()  # a socket that looks alive and is not
        raise BrokerUnavailableError(f"the gateway answered nothing within {ROUND_SECONDS:g} s")
    late = SourceUnavailableError(f"not answered within {ROUND_SECONDS:g} s")
    yield from ((symbol, found.get(at, late)) for at, symbol in enumerate(symbols))


def _last_price(contracts: Contracts, symbol: str) -> RequestChain[LastPrice]:
    contract = yield from contracts.asking(symbol)
    ticks = yield from asked(last_trade(contract))
    halted = any(isinstance(one, GenericTick) and one.kind == HALTED and one.value > 0 for one in ticks)
    price, seen = either(prices_of(ticks), LAST), traded_at(ticks)
    if price is None or seen is None:
        why = "trading is halted" if halted else "" if price is None else "it does not say when it was made"
        raise SourceUnavailableError(f"{symbol}: the broker shows no last price" + (f": {why}" if why else ""))
    return LastPrice(symbol, price, seen, is_delayed(ticks), halted)
