"""What a strategy of options is, beside what every strategy is: it asks for chains and answers with proposals."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict
from mtum.core.strategies.option_words import own_volatility

if TYPE_CHECKING:
    # Settings are read with every strategy at hand: what only those of options need is loaded when one decides.
    from mtum.core.options.asking import ChainRequest, OptionVerdict, OwnOptions
    from mtum.core.options.chain import ReadChain
    from mtum.core.view import MarketView


def own_series(strategy: Strategy) -> tuple[str, ...]:
    """Return the names of the series of implied volatility that a strategy ranks before those it names itself."""
    return tuple(map(own_volatility, strategy.ranked())) if isinstance(strategy, OptionStrategy) else ()


class OptionStrategy(Strategy):
    """A strategy that trades options; what it holds in shares comes and goes by assignment alone."""

    OPTIONS: ClassVar[bool] = True

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Keep every symbol: it orders no shares."""
        return tuple(
            SymbolVerdict(symbol, Keep(), ("hold",), (), {}) for symbol in self.universe() if symbol in view.bars
        )

    def underlyings(self) -> tuple[str, ...]:
        """Return what it trades options on: its universe, unless it says otherwise."""
        return self.universe()

    def ranked(self) -> tuple[str, ...]:
        """Return the underlyings whose implied volatility it ranks; their own series, where told, joins its view."""
        return ()

    def wants(self, view: "MarketView", own: "OwnOptions") -> "tuple[ChainRequest, ...]":
        """Return the chains it needs for `option_verdicts`, at most one for each underlying."""
        raise NotImplementedError  # no strategy of options goes without it

    def option_verdicts(
        self, view: "MarketView", own: "OwnOptions", chains: "Mapping[str, ReadChain]"
    ) -> "tuple[OptionVerdict, ...]":
        """Return one verdict per open group and per underlying that may open one: closings, rolls, openings.

        Parameters
        ----------
        view : MarketView
            The market at the decision.
        own : OwnOptions
            Open groups, cash and shares of the sleeve.
        chains : mapping of str to ReadChain
            What came back for `wants`, by underlying; an underlying whose chain is missing is left alone.
        """
        raise NotImplementedError  # no strategy of options goes without it
