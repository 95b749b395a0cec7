"""Returns with deposits taken out, worked out by hand."""

from datetime import date

import numpy as np
import pytest

from mtum.core.reporting import returns

DAYS = [date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)]


def test_a_deposit_is_no_profit() -> None:
    # 1000 grows to 1100; 900 are added; 2000 grow to 2100.
    given = returns.curve(DAYS, [1000.0, 1100.0, 2100.0], [1000.0, 0.0, 900.0])
    np.testing.assert_allclose(returns.changes(given), [0.0, 100.0, 100.0])
    np.testing.assert_allclose(returns.returns(given), [0.0, 0.1, 0.05])
    assert returns.since(given, DAYS[2]) == pytest.approx((100.0, 0.05))
    assert returns.since(given, date.min) == pytest.approx((200.0, 1.1 * 1.05 - 1))


def test_a_loss_on_the_first_session_is_a_drawdown() -> None:
    given = returns.curve(DAYS, [950.0, 1045.0, 940.5], [1000.0, 0.0, 0.0])
    np.testing.assert_allclose(returns.drawdown(given), [-0.05, 0.0, -0.1])


def test_a_withdrawal_is_no_drawdown() -> None:
    given = returns.curve(DAYS, [1000.0, 1000.0, 500.0], [1000.0, 0.0, -500.0])
    np.testing.assert_allclose(returns.drawdown(given), [0.0, 0.0, 0.0])
