"""What final daily bars tell of a condition, and what they cannot."""

from mtum.core.strategies.history import FinalHistory
from support.bars import bars_of
from support.hourly import Hourly
from support.rotation import Rotation


def test_final_bars_say_nothing_of_a_condition_on_bars_within_the_session() -> None:
    """Else a report would tell that the official close had turned it."""
    bars = bars_of([1.0, 2.0, 3.0], symbol="AAA")
    history = FinalHistory(Hourly(), {"AAA": bars}, {})
    (verdict,) = history.verdicts(bars.last_day)
    assert [one.passed for one in verdict.conditions] == [False]
    assert history.conditions(bars.last_day, "AAA") == {}


def test_conditions_on_daily_bars_are_told_as_they_were() -> None:
    both = {name: bars_of([1.0, 2.0, price], symbol=name) for name, price in (("AAA", 3.0), ("BBB", 2.0))}
    history = FinalHistory(Rotation(mean_sessions=3), both, {})
    # 3 is a half above the mean of three, 2 a fifth.
    assert history.conditions(both["AAA"].last_day, "AAA") == {"strongest": True, "weaker": False}
