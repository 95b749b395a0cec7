"""Folds follow each other and never look ahead."""

import pytest

from mtum.core.research.walk_forward import Fold, WindowKind, folds
from mtum.core.simulation.kernel.play import Span


def test_rolling_windows_keep_their_length() -> None:
    assert folds(Span(60, 100), 20, 10, WindowKind.ROLLING) == (
        Fold(Span(60, 80), Span(80, 90)),
        Fold(Span(70, 90), Span(90, 100)),
    )


def test_expanding_windows_keep_their_start_and_the_last_may_be_short() -> None:
    assert folds(Span(60, 95), 20, 10, WindowKind.EXPANDING) == (
        Fold(Span(60, 80), Span(80, 90)),
        Fold(Span(60, 90), Span(90, 95)),
    )


def test_every_fold_is_tried_after_what_it_was_fitted_on() -> None:
    found = folds(Span(0, 1000), 252, 63, WindowKind.ROLLING)
    assert all(fold.fitted.stop == fold.tried.first for fold in found)
    assert [t for fold in found for t in range(*fold.tried)] == list(range(252, 1000))


@pytest.mark.parametrize(("fit", "attempt"), [(40, 10), (41, 10), (1, 10), (20, 0)])
def test_a_span_too_short_is_refused(fit: int, attempt: int) -> None:
    with pytest.raises(ValueError, match="need"):
        folds(Span(60, 100), fit, attempt, WindowKind.ROLLING)
