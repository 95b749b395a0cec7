"""What the walker carries of each symbol: the last purchase, the average entry, the highest close, who is kept out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from mtum.core.market.bars import COLUMNS, Bars
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.walker.play import walked
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.columns import Allocation, Signals, Trail, reasons_by_bits, rows_of
from mtum.core.strategies.contract import Own, SymbolVerdict
from mtum.errors import StrategyError
from support.markets import weekdays
from support.values import replace
from support.walked import terms_of

if TYPE_CHECKING:
    from mtum.core.strategies.columns import ColumnForm, MarketColumns
    from mtum.core.view import MarketView

VOTES = ("up",), ("stopped",), ("down", "stopped")
STEPS = *reasons_by_bits("enters", ("target", "stop")), ("adds",)


@dataclass(frozen=True, slots=True)
class Told(BuyAndHold):
    """Answers the form it is given."""

    name: ClassVar[str] = "told"
    given: Any = None

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Never asked."""
        raise NotImplementedError  # only its column form is walked

    def column_form(self, market: "MarketColumns") -> Allocation:
        """What it was given."""
        found: Allocation = self.given
        return found


def orders(closes: list[float], form: "ColumnForm") -> list[tuple[int, int, tuple[str, ...]]]:
    """Session, shares and reasons of each order over these closes of one symbol, decided at the close."""
    days, same = np.array(weekdays(len(closes)), dtype="datetime64[D]"), np.array(closes)
    columns = {name: same * (name not in ("dividend", "split")) for name in COLUMNS}
    history = SessionHistory({"S0": Bars.from_columns("S0", "made-up", days, columns)}, {}, ())
    found = walked(history, Told(symbols=("S0",), given=form), terms_of(), (0, len(closes)))
    assert found is not None
    return [(t, signed, found.words(word)) for t, _, signed, word in found.orders.tolist()]


def trailing(closes: list[float], anew: str, *, counted: int = 100, row: tuple[int, ...] = (0,)) -> Allocation:
    """Half of the money at the sessions with a row, a stop 5 below the highest close of the last sessions counted."""
    n = len(closes)
    highest = [[max(closes[max(0, t + 1 - counted) : t + 1])] for t in range(n)]
    trail = Trail(
        np.full((n, 1), 5.0), np.array(highest), np.array([[one == "+"] for one in anew]),
        np.full((len(row), 1), 2), 1,
    )  # fmt: skip
    weights, words = np.full((len(row), 1), 0.5), np.zeros((3, len(row), 1), dtype=np.int64)
    return Allocation(rows_of(n, np.array(row)), weights, words, VOTES, trail=trail)


def test_a_stop_trails_the_highest_close_since_the_entry_and_sells_below_it() -> None:
    closes = [100.0, 104.0, 110.0, 105.0, 104.99, 120.0]
    assert orders(closes, trailing(closes, "++++++")) == [(0, 498, ("up",)), (4, -498, ("stopped",))]


def test_a_close_before_the_entry_raises_no_stop() -> None:
    closes = [130.0, 100.0, 96.0, 94.9, 94.8]
    found = orders(closes, trailing(closes, "+++++", row=(1,)))
    assert [(t, words) for t, _, words in found] == [(1, ("up",)), (3, ("stopped",))]


def test_a_close_too_long_ago_raises_it_no_more() -> None:
    closes = [100.0, 110.0, 106.0, 105.0, 104.0, 103.0, 97.9]
    assert [t for t, _, _ in orders(closes, trailing(closes, "+" * 7))] == [0, 4]
    assert [t for t, _, _ in orders(closes, trailing(closes, "+" * 7, counted=3))] == [0, 6]


def test_what_it_sold_stays_out_until_its_mask_was_false_and_is_true_again() -> None:
    closes, every = [100.0, 94.0, 100.0, 100.0, 100.0, 100.0], (0, 1, 2, 3, 4, 5)
    found = orders(closes, trailing(closes, "+++--+", row=every))
    assert [(t, words) for t, _, words in found] == [(0, ("up",)), (1, ("down", "stopped")), (5, ("up",))]
    never = orders(closes, trailing(closes, "++++++", row=every))
    assert [t for t, _, _ in never] == [0, 1]
    # The mask of the stop's own session counts: false there, it need not be false once more.
    at_once = orders(closes, trailing(closes, "+-++++", row=every))
    assert [t for t, _, _ in at_once] == [0, 1, 2]


def stepping(closes: list[float], *, target: float = np.inf, most: int = 3, weight: float = 1.0) -> Signals:
    """A tenth at the first session, as much again 2 above the last purchase, out 3 below it."""
    n, nothing = len(closes), np.zeros((len(closes), 1))
    weights = np.full((n, 1), np.nan)
    weights[0] = 0.1
    return Signals(
        np.arange(n), weights, nothing, nothing.astype(np.int64), np.ones((n, 1)), target, 3.0, 0, 1, (1, 2, 0),
        STEPS, 2.0, most, weight, len(STEPS) - 1,
    )  # fmt: skip


def test_units_are_added_above_the_last_purchase_and_the_stop_is_below_it() -> None:
    closes = [100.0, 101.9, 102.0, 103.0, 104.0, 110.0, 101.0, 101.0]
    found = orders(closes, stepping(closes))
    assert [(t, words) for t, _, words in found] == [
        (0, ("enters",)), (2, ("adds",)), (4, ("adds",)), (6, ("stop",))
    ]  # fmt: skip
    assert sum(signed for _, signed, _ in found) == 0
    # A stop of the first purchase would have been at 97.
    assert [t for t, _, _ in orders(closes, stepping(closes, most=1))] == [0]


def test_units_together_make_no_more_than_the_largest_weight() -> None:
    closes = [100.0, 102.0, 104.0]
    found = orders(closes, stepping(closes, weight=0.15))
    assert [(t, signed) for t, signed, _ in found] == [(0, 99), (1, 47)]


def test_the_target_counts_from_the_average_price_of_all_purchases() -> None:
    closes = [100.0, 102.0, 104.0, 105.0, 106.0]
    # Bought at about 100, 102 and 104 in equal parts: 4 above their average is about 106.
    found = orders(closes, stepping(closes, target=4.0))
    assert [(t, words) for t, _, words in found][-1] == (4, ("target",))
    assert [t for t, _, _ in orders(closes, stepping(closes, target=4.0, most=1))] == [0, 2]


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (replace(trailing([1.0] * 4, "++++"), row=np.zeros(5, dtype=np.int64)), "trail.distance of shape (4, 1)"),
        (replace(stepping([1.0] * 5), reasons=STEPS[:-1]), "words from 3 to 4; 0 to 3 is possible"),
    ],
)
def test_a_form_whose_carried_part_cannot_be_played_is_told(form: "ColumnForm", told: str) -> None:
    with pytest.raises(StrategyError) as raised:
        orders([100.0] * 5, form)
    assert told in str(raised.value)
