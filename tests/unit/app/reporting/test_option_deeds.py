"""What the report says became of an order in options."""

import pytest

from mtum.app.reporting.options import deed
from mtum.core.portfolio.orders import OrderStatus
from mtum.ports.options import OptionState
from support.option_orders import GROUP
from support.option_store import P95, planned


@pytest.mark.parametrize(
    ("status", "filled", "begins", "ends"),
    [
        (OrderStatus.FILLED, 1, "Opened", "1 of 1 unit filled at 1.20 USD received or better"),
        (OrderStatus.CANCELED, 0, "Order to open", "nothing filled"),
        (OrderStatus.PARTIALLY_FILLED, None, "Opened", "its legs filled unevenly"),
    ],
)
def test_an_order_that_filled_nothing_has_opened_nothing(
    status: OrderStatus, filled: int | None, begins: str, ends: str
) -> None:
    told = deed(OptionState(planned(), status, filled))
    assert told == f"{begins} {GROUP}: SELL 1 {P95.words}; {ends}"
