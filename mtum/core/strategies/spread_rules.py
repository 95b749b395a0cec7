"""What the strategies of defined risk share: how an open structure is judged, and how many of a new one are opened."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from mtum.core.conditions import Condition, at_least
from mtum.core.options.asking import OptionGroup, OptionVerdict, OwnOptions
from mtum.core.options.chain import ReadChain
from mtum.core.options.exits import OpenSpread, Ruling, Today
from mtum.core.options.legs import OptionPurpose
from mtum.core.options.quantities import defined_risk
from mtum.core.options.selecting import Selection, Structure
from mtum.core.strategies import option_rules
from mtum.core.strategies.option_rules import contracts_of, kept, ruled, spread_of

if TYPE_CHECKING:
    from mtum.core.view import MarketView

type Judge = Callable[[OptionGroup, OpenSpread, Today], Ruling]


class Losses(Struct, frozen=True):
    """What may be lost.

    Parameters
    ----------
    max_loss_frac, total_loss_frac : float
        By one structure, and by all that are open: fractions of the sleeve's equity.
    open_usd : Decimal
        By those that are open or proposed already, USD.
    """

    max_loss_frac: float
    total_loss_frac: float
    open_usd: Decimal


class Asked(Struct, frozen=True):
    """An opening all of whose conditions hold.

    Parameters
    ----------
    word : str
        Its reason.
    limit : float
        Highest net, as a fraction of the width; below 0 for a credit.
    conditions : tuple of Condition
        All of them.
    indicators : mapping of str to float or None
        Values used.
    """

    word: str
    limit: float
    conditions: tuple[Condition, ...]
    indicators: Mapping[str, float | None]


def managed(
    view: "MarketView", own: OwnOptions, chains: Mapping[str, ReadChain], take: float, judge: Judge
) -> tuple[OptionVerdict, ...]:
    """Return what becomes of every open structure, those that are closed first.

    Parameters
    ----------
    view : MarketView
        Everything a strategy may look at for one session.
    own : OwnOptions
        What a strategy of options knows of its own sleeve.
    chains : mapping of str to ReadChain
        Chains by underlying.
    take : float
        Part of the largest gain at which one is closed; no more is paid for that reason.
    judge : callable
        A group, its structure and its day in; what becomes of it out.
    """
    found = []
    for group in own.groups:
        if group.broken or group.underlying not in view.bars:
            continue
        spread, held = spread_of(group), contracts_of(group.lots)
        today = option_rules.today_of(view, chains.get(group.underlying), held, group.underlying, own)
        ruling = judge(group, spread, today)
        if ruling.action is None:
            found.append(ruled(group, ruling, None))
            continue
        worst = _worth_taking(spread, take) if ruling.reason == "take" else None
        found.append(ruled(group, ruling, option_rules.closing(group, held, today, ruling.reason, worst)))
    return tuple(sorted(found, key=lambda one: one.proposal is None))


def _worth_taking(spread: OpenSpread, take: float) -> float:
    # Net at which the gain is still the part that is taken: of a credit what is paid, of a debit what is received.
    if spread.net < 0:
        return round(-(1.0 - take) * spread.net, 6)
    return round(-(spread.net + take * (spread.width - spread.net)), 6)


def opened(
    own: OwnOptions,
    chosen: Selection,
    symbol: str,
    losses: Losses,
    asked: Asked,
) -> OptionVerdict:
    """Return the verdict on an opening all of whose conditions hold.

    Parameters
    ----------
    own : OwnOptions
        What a strategy of options knows of its own sleeve.
    chosen : Selection
        What was chosen, and why not another.
    symbol : str
        Ticker.
    losses : Losses
        What may be lost.
    asked : Asked
        What is opened, and why.
    """
    word, conditions, indicators, would = asked.word, asked.conditions, asked.indicators, OptionPurpose.OPEN
    if chosen.chosen is None:
        why, removed = option_rules.not_chosen(chosen)
        return kept(
            symbol, "", (why, word), conditions,
            selection=chosen, decided_by=removed, would=would, indicators=indicators,
        )  # fmt: skip
    one = chosen.chosen
    count = defined_risk(
        own.equity,
        Decimal(str(one.max_loss)),
        losses.open_usd,
        losses.max_loss_frac,
        losses.total_loss_frac,
    )
    money = at_least("contracts", float(count), 1.0)
    conditions = (*conditions, money)
    if count < 1:
        return kept(
            symbol, "", ("contracts", word), conditions,
            selection=chosen, decided_by=(money,), would=would, indicators=indicators,
        )  # fmt: skip
    worst = round(asked.limit * one.width, 6)
    proposal = option_rules.opening(one, count, worst, _loss_at(one, worst))
    return OptionVerdict(symbol, "", proposal, (word,), conditions, chosen, conditions, indicators=indicators)


def in_turn(
    own: OwnOptions, symbols: Iterable[str], of: Callable[[str, int, Decimal], OptionVerdict]
) -> tuple[OptionVerdict, ...]:
    """Return the verdicts on openings, each with what is open and what those before it propose.

    Parameters
    ----------
    own : OwnOptions
        What a strategy of options knows of its own sleeve.
    symbols : iterable of str
        In their order.
    of : callable
        Symbol, structures and their most loss in USD in; the verdict out.
    """
    number, loss = len(own.groups), option_rules.open_loss(own.groups)
    found = []
    for symbol in symbols:
        verdict = of(symbol, number, loss)
        if verdict.proposal is not None:
            number, loss = number + 1, loss + verdict.proposal.most_loss_usd
        found.append(verdict)
    return tuple(found)


def _loss_at(one: Structure, worst: float) -> float:
    return one.width + worst if one.net < 0 else worst
