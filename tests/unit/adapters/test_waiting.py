"""One time limit and one retry for everything outside."""

from contextvars import ContextVar
from threading import Event, current_thread

import pytest

from mtum.adapters.clock import growing, retried, within

RUN: ContextVar[str] = ContextVar("RUN", default="")


def test_a_call_within_its_time_gives_its_answer_in_the_callers_context() -> None:
    token = RUN.set("run 7")
    assert within(20.0, "asking", lambda: (RUN.get(), current_thread().daemon)) == ("run 7", True)
    RUN.reset(token)


def test_a_call_that_takes_longer_is_given_up_and_an_error_in_time_is_raised() -> None:
    over = Event()
    with pytest.raises(TimeoutError):
        within(0.01, "asking", lambda: over.wait(20))
    over.set()
    with pytest.raises(KeyError):
        within(20.0, "asking", lambda: {"one": 1}["none"])


def test_an_error_that_may_pass_is_tried_again_and_any_other_is_not() -> None:
    errors: list[Exception] = [OSError("busy"), OSError("busy")]

    def call() -> str:
        if errors:
            raise errors.pop()
        return "done"

    def busy(error: Exception) -> bool:
        return isinstance(error, OSError)

    assert retried(call, busy, [0.0, 0.0]) == "done"
    errors[:] = [OSError("busy"), OSError("busy")]
    with pytest.raises(OSError, match="busy"):
        retried(call, busy, [0.0])
    errors[:] = [OSError("never reached"), ValueError("another")]
    with pytest.raises(ValueError, match="another"):
        retried(call, busy, [0.0, 0.0])


def test_pauses_grow_until_their_sum_is_used_up() -> None:
    # 0.25 + 0.5 + 1 + 2 + 4 + 5 = 12.75; another 5 would be more than 15.
    assert list(growing(0.25, 5.0, 15.0)) == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0]
