"""Wheel: sell puts that cash secures, take the shares where they are assigned, sell calls against them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from mtum.core.strategies.description import ConditionSpec, Example
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.strategies.option_words import REASONS_OF_ALL, specs
from mtum.core.strategies.several import range_problems, weights_problems

if TYPE_CHECKING:
    from mtum.core.options.asking import ChainRequest, OptionVerdict, OwnOptions
    from mtum.core.options.chain import ReadChain
    from mtum.core.options.exits import RollRules
    from mtum.core.strategies.wheel_rules import WheelPlan
    from mtum.core.view import MarketView


class WriteOn(StrEnum):
    """On which sessions it writes."""

    RED_GREEN = "red_green"
    ANY = "any"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Wheel(OptionStrategy):
    """Sell puts below the price until a set part is invested, and calls on the shares that they bring.

    It earns premium while prices stay where they are. A fall is borne as by a holder of the shares, less the
    premium; a rise beyond the calls is given away.

    References
    ----------
    Cboe S&P 500 PutWrite Index and BuyWrite Index, methodology; Israelov and Nielsen (2014), "Covered Call
    Strategies: One Fact and Eight Myths", Financial Analysts Journal 70(6).
    """

    name: ClassVar[str] = "wheel"
    EACH_BY_ITSELF: ClassVar[bool] = True
    CASH_SECURED: ClassVar[bool] = True
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = specs(
        "puts_wanted", "calls_wanted", "red", "green", "write_threshold", "contracts", "close_at_pnl",
        "out_of_the_money", "roll_dte", "min_pnl", "roll_pnl",
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "write_put": "shares are wanted: a put is sold",
        "write_call": "shares are held: a call is sold on them",
        **REASONS_OF_ALL,
        **dict.fromkeys((spec.name for spec in CONDITIONS), ""),
    }
    EXAMPLE: ClassVar[Example] = Example({"symbols": {"SP500": 1.0}}, capital_usd=100_000.0)
    CAUTIONS: ClassVar[tuple[str, ...]] = (
        "A put that is assigned is a purchase at the strike: in a fall it loses as the shares do, less the premium.",
    )

    symbols: Mapping[str, float] = field(
        default_factory=lambda: {"SPY": 1.0}, metadata={"doc": "weight of each symbol, fraction of the sleeve's equity"}
    )
    dte: int = field(default=45, metadata={"doc": "fewest calendar days to expiry of what is sold, and those sought"})
    max_dte: int = field(default=180, metadata={"doc": "most calendar days to expiry of what is sold"})
    put_delta: float = field(default=0.30, metadata={"doc": "largest absolute delta of a put that is sold"})
    call_delta: float = field(default=0.30, metadata={"doc": "largest delta of a call that is sold"})
    min_open_interest: int = field(default=10, metadata={"doc": "least open interest of what is traded, contracts"})
    min_credit: float = field(
        default=0.05,
        metadata={"doc": "credit that a sale must exceed and a roll for a credit bring, USD per share"},
    )
    max_new_frac: float = field(
        default=0.05, metadata={"doc": "shares behind the puts of one session, fraction of the equity; one put always"}
    )
    write_on: WriteOn = field(
        default=WriteOn.RED_GREEN,
        metadata={"doc": '"red_green": puts after a fall, calls after a rise; "any": on every session'},
    )
    write_threshold: float = field(
        default=0.0, metadata={"doc": "smallest move from the previous close to write, fraction of it"}
    )
    roll_dte: int = field(default=15, metadata={"doc": "roll from this many calendar days to expiry"})
    roll_pnl: float = field(default=0.90, metadata={"doc": "roll on any day from this part of the credit earned"})
    min_pnl: float = field(default=0.0, metadata={"doc": "part of the credit earned to roll near expiry"})
    roll_itm_puts: bool = field(default=False, metadata={"doc": "whether puts in the money are rolled, or assigned"})
    roll_itm_calls: bool = field(default=True, metadata={"doc": "whether calls in the money are rolled, or assigned"})
    credit_only: bool = field(default=True, metadata={"doc": "whether a roll has to bring a credit"})
    cap_factor: float = field(default=1.0, metadata={"doc": "part of the shares that calls may promise"})
    excess_only: bool = field(default=False, metadata={"doc": "whether calls promise only shares above the target"})
    close_at_pnl: float = field(default=0.0, metadata={"doc": "close from this part of the credit earned; 0 = never"})
    strike_limit: float = field(
        default=0.0, metadata={"doc": "highest strike of a put and lowest of a call, USD per share; 0 = none"}
    )

    def universe(self) -> tuple[str, ...]:
        """Return the symbols whose options it sells."""
        return tuple(self.symbols)

    @property
    def benchmark(self) -> Mapping[str, float]:
        """Return the shares it may come to hold, by their weights."""
        return self.symbols

    def history_sessions(self) -> int:
        """Return today's price and the close before it."""
        return 2

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        found = tuple(one.replace("weights", "symbols", 1) for one in weights_problems(self.symbols))
        found += range_problems(
            ("dte", self.dte, 1, 730),
            ("max_dte", self.max_dte, 1, 1100),
            ("put_delta", self.put_delta, 0.01, 0.60),
            ("call_delta", self.call_delta, 0.01, 0.60),
            ("min_open_interest", self.min_open_interest, 0, 1_000_000),
            ("min_credit", self.min_credit, 0.01, 1000.0),
            ("max_new_frac", self.max_new_frac, 0.001, 1.0),
            ("write_threshold", self.write_threshold, 0.0, 0.5),
            ("roll_dte", self.roll_dte, 0, 365),
            ("roll_pnl", self.roll_pnl, 0.01, 1.0),
            ("min_pnl", self.min_pnl, -10.0, 1.0),
            ("cap_factor", self.cap_factor, 0.01, 1.0),
            ("close_at_pnl", self.close_at_pnl, 0.0, 1.0),
            ("strike_limit", self.strike_limit, 0.0, 1e6),
        )
        if self.write_on not in tuple(WriteOn):
            found += (f'write_on is "{self.write_on}"; use "{WriteOn.RED_GREEN}" or "{WriteOn.ANY}"',)
        return found

    def contradictions(self) -> tuple[str, ...]:
        """Return which parameters do not go together."""
        found: list[str] = []
        if self.max_dte < self.dte:
            found.append(f"max_dte is {self.max_dte} and dte is {self.dte}: no expiry lies between them")
        if self.roll_dte >= self.dte:
            found.append(f"roll_dte is {self.roll_dte} and dte is {self.dte}: what is opened would be rolled at once")
        if self.strike_limit and len(self.symbols) > 1:
            found.append(f"strike_limit is one price and there are {len(self.symbols)} symbols; use a sleeve for each")
        return tuple(found)

    def wants(self, view: "MarketView", own: "OwnOptions") -> "tuple[ChainRequest, ...]":
        """Return one chain for each symbol: what may be sold, and what is held."""
        from mtum.core.strategies import option_rules

        window, most = self._plan().selling.window, max(self.put_delta, self.call_delta)
        fit = (symbol for symbol in self.symbols if symbol in view.bars)
        sought = tuple(sorted({self.put_delta, self.call_delta}))
        return tuple(option_rules.request(symbol, window, most / 2, most, own.of(symbol), sought) for symbol in fit)

    def option_verdicts(
        self, view: "MarketView", own: "OwnOptions", chains: "Mapping[str, ReadChain]"
    ) -> "tuple[OptionVerdict, ...]":
        """Return what becomes of every short, then what is written: one opening for each symbol.

        Parameters
        ----------
        view : MarketView
            Everything a strategy may look at for one session.
        own : OwnOptions
            What a strategy of options knows of its own sleeve.
        chains : mapping of str to ReadChain
            Chains by underlying.
        """
        from mtum.core.strategies.wheel_rules import verdicts

        return verdicts(self._plan(), view, own, chains)

    def _plan(self) -> "WheelPlan":
        from mtum.core.options.exits import wheel_ruling
        from mtum.core.options.selecting import Window
        from mtum.core.options.singles import ShortRules
        from mtum.core.strategies.wheel_rules import WheelPlan, Writing

        rolling, window = self._rolling(), Window(self.dte, self.max_dte, self.dte)
        selling = ShortRules(
            window, self.put_delta, self.call_delta, self.min_open_interest, self.min_credit, self.credit_only
        )
        writing = Writing(
            self.symbols,
            self.max_new_frac,
            self.write_on,
            self.write_threshold,
            self.cap_factor,
            self.excess_only,
            self.strike_limit or None,
        )
        return WheelPlan(
            writing,
            selling,
            ruling=lambda _, held, today: wheel_ruling(held, today, rolling),
            takes={"close_at_pnl": self.close_at_pnl},
        )

    def _rolling(self) -> "RollRules":
        from mtum.core.options.exits import RollRules

        itm = self.roll_itm_puts, self.roll_itm_calls
        return RollRules(self.roll_dte, self.roll_pnl, self.min_pnl, *itm, self.close_at_pnl or None)
