"""A group whose calls may be exercised for a dividend of which nobody tells says so."""

from typing import Any, cast

from mtum.app.options.last_seen import UNTOLD, Seen, open_groups
from mtum.core.options.asking import OwnOptions
from mtum.core.portfolio.options.lots import Book
from support.option_orders import DAY, STRATEGY, call, lot


def test_the_next_rule_says_that_nobody_tells_the_dividends() -> None:
    book = Book((lot(call(105), -1, broken=True),))

    def text(untold: tuple[str, ...]) -> str:
        seen = Seen(DAY, None, cast(Any, None), OwnOptions(untold=untold), {}, "ib", model_priced=False)
        (line,) = open_groups(STRATEGY, book, seen, {})
        assert line.next is not None
        return line.next.text

    assert text(("SPY",)) == f"{text(())}; {UNTOLD}"
    assert text(("QQQ",)) == text(())
