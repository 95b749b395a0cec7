"""A strategy of options is asked: whatever it answers instead of requests and verdicts is its own error."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from mtum.core.options.asking import ChainRequest, OptionVerdict, OwnOptions, Proposal
from mtum.core.options.chain import ReadChain
from mtum.core.options.ladder import Envelope
from mtum.core.options.legs import OptionLeg, OptionPurpose
from mtum.core.strategies.answers import answers_of, is_number, is_word, wrong_conditions
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.errors import StrategyError

if TYPE_CHECKING:
    from mtum.core.view import MarketView


def chains_asked(strategy: OptionStrategy, view: "MarketView", own: OwnOptions) -> tuple[ChainRequest, ...]:
    """Return the chains that a strategy wants.

    Parameters
    ----------
    strategy : OptionStrategy
        A strategy that trades options; what it holds in shares comes and goes by assignment alone.
    view : MarketView
        Everything a strategy may look at for one session.
    own : OwnOptions
        What a strategy of options knows of its own sleeve.

    Raises
    ------
    StrategyError
        If it ends in an error, answers something else, or asks twice for an underlying.
    """
    given = answers_of(strategy, view, lambda: strategy.wants(view, own))
    for one in given:
        if not isinstance(one, ChainRequest):
            raise StrategyError(f"{strategy.name} at {view.session}: wants {one!r}; a tuple of ChainRequest is needed")
    if len({one.underlying for one in given}) < len(given):
        raise StrategyError(f"{strategy.name} at {view.session}: wants two chains of one underlying")
    return given


def option_verdicts_of(
    strategy: OptionStrategy, view: "MarketView", own: OwnOptions, chains: Mapping[str, ReadChain]
) -> tuple[OptionVerdict, ...]:
    """Return a strategy's verdicts on its options.

    Parameters
    ----------
    strategy : OptionStrategy
        A strategy that trades options; what it holds in shares comes and goes by assignment alone.
    view : MarketView
        Everything a strategy may look at for one session.
    own : OwnOptions
        What a strategy of options knows of its own sleeve.
    chains : mapping of str to ReadChain
        Chains by underlying.

    Raises
    ------
    StrategyError
        If it ends in an error, or answers something else than verdicts that can be recorded.
    """
    given = answers_of(strategy, view, lambda: strategy.option_verdicts(view, own, chains))
    for one in given:
        wrong = _wrong(one)
        if wrong:
            raise StrategyError(f"{strategy.name} at {view.session}: {wrong}")
    return given


def _wrong(one: object) -> str | None:
    """Return why an answer is no verdict that can be ordered from and recorded."""
    if not isinstance(one, OptionVerdict) or not is_word(one.underlying):
        return f"answered {one!r}; a tuple of OptionVerdict is needed"
    reasons: object = one.reasons
    if not isinstance(reasons, tuple) or not reasons or not all(map(is_word, reasons)):
        return f"{one.underlying}: reasons are {reasons!r}; a tuple of words is needed, one at least"
    if (wrong := wrong_conditions(one.conditions)) is not None:
        return f"{one.underlying}: {wrong}"
    for name, value in one.indicators.items():
        if not is_word(name) or not (value is None or is_number(value)):
            return f"{one.underlying}: indicator {name!r} is {value!r}; a number is needed"
    proposal: object = one.proposal
    if proposal is None:
        return None
    if not isinstance(proposal, Proposal) or not isinstance(proposal.purpose, OptionPurpose):
        return f"{one.underlying}: proposes {proposal!r}; a Proposal is needed"
    return _wrong_proposal(one.underlying, proposal)


def _wrong_proposal(underlying: str, one: Proposal) -> str | None:
    # What may not be traded is for the gate to say; here stands only what could not even be written down.
    legs: object = one.legs
    if not isinstance(legs, tuple) or not all(isinstance(leg, OptionLeg) and type(leg.ratio) is int for leg in legs):
        return f"{underlying}: legs are {legs!r}; a tuple of OptionLeg is needed"
    if type(one.quantity) is not int:
        return f"{underlying}: quantity is {one.quantity!r}; a whole number is needed"
    envelope: object = one.envelope
    if not isinstance(envelope, Envelope):
        return f"{underlying}: envelope is {envelope!r}; an Envelope is needed"
    amounts = {"start": envelope.start, "worst": envelope.worst, "most_loss_usd": one.most_loss_usd}
    for name, amount in amounts.items():
        if not (isinstance(amount, Decimal) and amount.is_finite()) and not (name == "worst" and amount is None):
            return f"{underlying}: {name} is {amount!r}; a finite Decimal is needed"
    return None
