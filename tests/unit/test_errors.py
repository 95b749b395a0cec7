"""Exit codes: which one wins, and which one each error means."""

from itertools import combinations

import pytest

from mtum import errors
from mtum.errors import EXIT_PRECEDENCE, ConfigError, ExitCode, MtumError, worst

# The documented order: 1 > 2 > 6 > 5 > 7 > 4 > 3 > 9 > 8 > 0.
ORDER = [1, 2, 6, 5, 7, 4, 3, 9, 8, 0]


def test_the_precedence_has_every_code_once() -> None:
    assert [*EXIT_PRECEDENCE, ExitCode.DONE] == ORDER
    assert set(ORDER) == set(ExitCode)


@pytest.mark.parametrize(("stronger", "weaker"), list(combinations(ORDER, 2)))
def test_the_earlier_of_two_codes_wins_in_either_order(stronger: int, weaker: int) -> None:
    assert worst([stronger, weaker]) == worst([weaker, stronger]) == stronger


def test_nothing_wrong_is_done() -> None:
    assert worst([]) is ExitCode.DONE


CODES = {
    "UsageError": 2,
    "ConfigError": 2,
    "DataError": 3,
    "SourceUnavailableError": 3,
    "TooManyRequestsError": 3,
    "BarsMissingError": 3,
    "BarsStaleError": 3,
    "BarsInvalidError": 3,
    "BarsRestatedError": 3,
    "CalendarMismatchError": 3,
    "BrokerError": 4,
    "BrokerUnavailableError": 4,
    "DeadlineMissedError": 4,
    "OrderUnconfirmedError": 6,
    "BookMismatchError": 6,
    "VerificationError": 6,
    "DocumentError": 6,
    "StoreError": 3,
    "StoreMismatchError": 2,
    "RunLockedError": 9,
    "NotifyError": 8,
    "MtumError": 1,
    "StrategyError": 1,
}


def test_every_error_of_the_tree_means_its_documented_code() -> None:
    found = {
        name: int(kind.exit_code)
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, MtumError)
    }
    assert found == CODES


def test_every_error_is_drawn_in_the_tree_at_the_top() -> None:
    assert errors.__doc__ is not None
    assert [name for name in CODES if name not in errors.__doc__] == []


def test_a_config_error_keeps_each_problem_and_says_them_all() -> None:
    error = ConfigError(iter(["a: wrong", "b: wrong"]))
    assert error.problems == ("a: wrong", "b: wrong")
    assert str(error) == "a: wrong; b: wrong"
