"""Do the strategies' lots and the broker's position tell the same story?"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from mtum.core.portfolio.fills import Action, ChangeKind, SymbolChange, ended_symbols
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.lots import Lot
from mtum.core.portfolio.orders import intent_of

OUR_REF = re.compile(r"^m\d{6}-[A-Z2-7]{12}-\d+$")
"""Shape of an order reference made by this program, on whatever machine."""


type Untraded = Mapping[tuple[str, str], int]
"""Shares by strategy and symbol."""


class Balance(Struct, frozen=True):
    """Shares of one symbol: ours by lots, stated as not ours, and what the broker shows."""

    symbol: str
    lots: int
    external: Decimal
    broker: Decimal

    @property
    def surplus(self) -> Decimal:
        """Whole shares the broker holds beyond lots and external; negative when it holds less.

        Fractions below one share (dividend reinvestment) are dust and no difference.
        """
        difference = self.broker - self.external - self.lots
        return Decimal(int(difference)) if abs(difference) >= 1 else Decimal(0)

    @property
    def sellable(self) -> int:
        """Shares of our lots that are really there."""
        return max(0, min(self.lots, int(self.broker - self.external)))

    @property
    def short(self) -> int:
        """Whole shares by which the broker's position is below zero."""
        return max(0, -int(self.broker))

    @property
    def text(self) -> str:
        """Both sides in words."""
        held = f"is SHORT {self.short}" if self.short else f"holds {self.broker}"
        return f"{self.symbol}: the broker {held}, we expect {self.lots} of ours and {self.external} external"


def balances(
    lots: Iterable[Lot], external: Mapping[str, Decimal], positions: Mapping[str, Decimal], universe: Iterable[str]
) -> tuple[Balance, ...]:
    """Return the balance of every symbol that is traded, held or listed, sorted by symbol.

    Parameters
    ----------
    lots : iterable of Lot
        Open lots.
    external : mapping of symbol to shares
        Shares the owner stated as not the program's.
    positions : mapping of symbol to shares
        The broker's positions; symbols outside universe and lots are the owner's own matter.
    universe : iterable of str
        Symbols that are traded.
    """
    held: dict[str, int] = dict.fromkeys(universe, 0)
    for lot in lots:
        held[lot.symbol] = held.get(lot.symbol, 0) + lot.shares
    zero = Decimal(0)
    return tuple(
        Balance(symbol, held[symbol], external.get(symbol, zero), positions.get(symbol, zero))
        for symbol in sorted(held)
    )


def foreign_refs(listed: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Return references of our making that belong to none of the known intents: another installation trades."""
    ours = set(known)
    return tuple(sorted({ref for ref in listed if OUR_REF.match(ref) and intent_of(ref) not in ours}))


def untraded_of(
    held: Iterable[tuple[str, str, int]], traded: Mapping[str, Sequence[str]], actions: Sequence[Action]
) -> tuple[Untraded, Untraded]:
    """Return what of these holdings (sleeve, symbol, shares) the settings do not trade now.

    Parameters
    ----------
    held : iterable of (str, str, int)
        Sleeve, symbol and shares of each holding.
    traded : mapping of sleeve to symbols
        What each sleeve of the settings may hold.
    actions : sequence of Action
        Splits and changes of symbols, oldest first.

    Returns
    -------
    two mappings of (sleeve, symbol) to int
        What a person must say something about, and what came of a spin-off, which is sold by itself.
    """
    children = {one.into for one in actions if isinstance(one, SymbolChange) and one.kind is ChangeKind.SPUN_OFF}
    found: dict[tuple[str, str], int] = {}
    for owner, symbol, shares in held:
        if symbol not in traded.get(owner, ()):
            found[owner, symbol] = found.get((owner, symbol), 0) + shares
    sold = {key: shares for key, shares in found.items() if key[1] in children and key[0] in traded}
    return {key: shares for key, shares in found.items() if key not in sold}, sold


def untraded_texts(
    untraded: Untraded,
    traded: Mapping[str, Sequence[str]],
    named: Mapping[str, Sequence[str]],
    actions: Sequence[Action],
) -> list[str]:
    """Return what is wrong with what the settings trade, one line each, with the ways out.

    Parameters
    ----------
    untraded : Untraded
        Shares by strategy and symbol.
    traded : mapping of str to sequence of str
        Symbols that the settings trade, by sleeve.
    named : mapping of sleeve or group to symbols
        What its settings name: held, read, compared with, or limited.
    actions : sequence of Action
        Splits and changes of symbols, oldest first.
    """
    ended = ended_symbols(actions)
    gone = [(name, ended[symbol]) for name, symbols in named.items() for symbol in symbols if symbol in ended]
    heirs = {(name, change.into) for name, change in gone}
    return [_gone(name, change) for name, change in gone] + [
        f"{shares} {symbol} of {owner} are held, but {_now(owner, traded, named)}: "
        + " first, or ".join(_ways(owner, symbol, traded, named))
        for (owner, symbol), shares in untraded.items()
        if (owner, symbol) not in heirs
    ]


def _now(owner: str, traded: Mapping[str, Sequence[str]], named: Mapping[str, Sequence[str]]) -> str:
    if owner in named and owner not in traded:
        return f"{owner} is only watched now"
    return "the settings trade " + "; ".join(f"{', '.join(symbols)} with {name}" for name, symbols in traded.items())


def _ways(
    owner: str, symbol: str, traded: Mapping[str, Sequence[str]], named: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Yield the ways out; none of them sells what another sleeve holds of the symbol."""
    several, shared = len(named) > 1, any(symbol in symbols for name, symbols in traded.items() if name != owner)
    if owner in named or not shared:
        yield f"`mtum flatten {symbol}{f' --sleeve {owner}' if several and owner in named else ''} --why TEXT`"
    close = several and owner not in traded and owner != FUND
    yield "change the settings back" + (f', in [sleeve.{owner}] with state = "close" to sell' if close else "")


def _gone(sleeve: str, change: SymbolChange) -> str:
    old, new, since = change.symbol, change.into, change.session
    if change.kind is ChangeKind.RENAMED:
        became, way = f"is called {new} since {since}", f"write {new} in its place"
    elif new:
        became, way = f"was merged into {new} on {since}", f"write {new} in its place, or another symbol"
    else:
        became, way = f"was merged for cash on {since}", "take it out, or write another symbol in its place"
    return f"the settings of {sleeve} name {old}, which {became}: {way}; `mtum config check` looks at it again"
