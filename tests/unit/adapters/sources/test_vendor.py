"""What a vendor is asked for, however often it is called for."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from mtum.adapters.sources.vendor import LONGEST_ALONE_SECONDS, VendorSource
from mtum.errors import SourceUnavailableError
from mtum.ports.market_data import SourceCall
from support.many_bars import DAY, SESSIONS, names

SESSION = SESSIONS.between(DAY, DAY)[0]
EACH_SECONDS = 8.0


class Slow:
    """A vendor whose volumes take so many seconds each, and are refused."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 0.0

    def slices(self, symbol: str, _: object) -> object:
        self.asked.append(symbol)
        self.now += EACH_SECONDS
        raise SourceUnavailableError(f"{symbol}: no answer")

    def source(self) -> VendorSource:
        others = ("coverage", "series_history", "minutes_for", "history", "quote", "series", "intraday", "volatility")
        given: Any = SimpleNamespace(name="slow", prior_shares={}, slices=self.slices, **dict.fromkeys(others))

        def all_of(begun: Sequence[Callable[[], Any]], _: float) -> Mapping[int, Any]:
            assert begun, "nothing is to be asked"
            return {}  # nothing came in time

        return VendorSource(given, lambda begin: begin(), all_of, lambda: self.now)


def test_volumes_are_waited_for_one_after_the_other_only_so_long_in_all() -> None:
    """A hundred symbols asked so would miss the close; each is asked once."""
    slow = Slow()
    source = slow.source()
    for _ in range(2):
        assert [source.volume_share(symbol, SESSION, 20.0) for symbol in names(20)] == [None] * 20
    assert len(slow.asked) == len({*slow.asked}) == LONGEST_ALONE_SECONDS // EACH_SECONDS + 1


def test_a_volume_asked_ahead_at_two_minutes_is_one_question_and_nothing_is_no_question() -> None:
    slow = Slow()
    source = slow.source()
    source.ask_ahead([SourceCall("volume_share", ("S000", SESSION, minutes)) for minutes in (20.0, 12.0)], 1.0)
    source.ask_ahead([SourceCall("volume_share", ("S000", SESSION, 20.0))], 1.0)
    assert source.volume_share("S000", SESSION, 15.0) is None
    assert slow.asked == []
