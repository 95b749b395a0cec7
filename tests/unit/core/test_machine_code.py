"""Machine code is kept on disk between processes where there is room for it."""

from mtum.core.compiled import compiled, is_compiled, machine
from support.full_disk import disk_of


@compiled
def doubled(number: float) -> float:
    return number + number


def test_a_full_disk_costs_the_next_process_the_compiling_and_this_one_nothing() -> None:
    with disk_of(0):
        assert machine(doubled)(2.5) == 5.0
    assert is_compiled(doubled)
