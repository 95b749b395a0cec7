"""A strategy is told how many sessions away the next dividend of what it has open is."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from mtum.core.options.asking import OptionVerdict, OwnOptions
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_path import play_with_options
from support.scripted_options import CAPITAL, SELL, Scripted, history, put, terms, unmoved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mtum.core.options.chain import ReadChain
    from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchful(Scripted):
    """Keeps what it is told of coming dividends."""

    name: ClassVar[str] = "watchful"
    told: dict[date, dict[str, int]] = field(default_factory=dict)

    def option_verdicts(
        self, view: "MarketView", own: OwnOptions, chains: "Mapping[str, ReadChain]"
    ) -> tuple[OptionVerdict, ...]:
        self.told[view.session] = dict(own.ex_dates)
        return Scripted.option_verdicts(self, view, own, chains)


def test_a_dividend_of_the_year_before_comes_again_while_a_group_is_open() -> None:
    # Ex-date Friday, 3 February 2017: expected on Friday, 2 February 2018.
    closes = unmoved(date(2017, 2, 1), 256, 280.0)
    opens = date(2018, 1, 22)
    script = {opens: (OptionPurpose.OPEN, ((SELL, put("260", date(2018, 3, 16))),), 1)}
    found = history(closes, {"d20170203": 1.2})
    rules = PortfolioRules(SizingRules(1.0, float("inf"), 0.0, PercentCosts(Decimal(0))), LossRules(None))
    watchful = Watchful(script=script)
    sleeve = Sleeve("", watchful, 1.0, SleeveState.ON, 0.0, "", rules)
    first = list(closes).index(date(2018, 1, 18))
    play_with_options(found, [sleeve], PlayTerms(CAPITAL, rules), terms(found), first, len(closes))
    assert watchful.told[opens] == {}  # nothing is open yet
    assert watchful.told[date(2018, 1, 24)] == {"SPY": 7}
    assert watchful.told[date(2018, 1, 31)] == {"SPY": 2}
    assert watchful.told[date(2018, 2, 2)] == {}
