"""What the report says of open groups of options, by hand."""

import pytest

from mtum.core.reporting.option_section import most_loss


@pytest.mark.parametrize(
    ("loss_usd", "pledged_shares", "words"),
    [
        (25_573.0, 0, "25,573.00 USD"),
        (0.0, 200, "what its 200 shares lose"),
        (1_000.0, 100, "1,000.00 USD and what its 100 shares lose"),
    ],
)
def test_a_covered_call_can_lose_what_its_shares_lose(loss_usd: float, pledged_shares: int, words: str) -> None:
    assert most_loss(loss_usd, pledged_shares) == words
