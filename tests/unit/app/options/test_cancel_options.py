"""A person cancels an order in options, while a run manages it or beside none; it is not offered again."""

from pathlib import Path

from mtum.app.options.cancel_options import cancel_options
from mtum.app.options.manage_options import manage_options
from mtum.core.options.ladder import Envelope
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode
from support.option_days import Day
from support.option_orders import DAY, SESSION, net, put
from support.option_store import planned
from support.small_option_exchange import Exchange

P95 = put(95)


def day(folder: Path) -> Day:
    one = Day(folder)
    one.keep(Exchange(sides={P95.con_id: (1.00, 1.30)}))
    one.plan(planned(envelope=Envelope(net("-1.15"), net("-0.50"))))
    return one


def test_an_order_that_works_is_canceled_and_not_offered_again(tmp_path: Path) -> None:
    one = day(tmp_path)
    assert one.killed(step_of_answer(one))
    with one.desk() as desk:
        (intent,) = [state.intent for state in desk.store.options.states(DAY)]
        assert cancel_options(desk, SESSION, intent.id) == ([intent.id], ())
        assert [state.status for state in desk.store.options.states(DAY)] == [OrderStatus.CANCELED]
        manage_options(desk, SESSION)
    assert one.exchange.log == ["place 1 1 -1.15", "cancel 1"]


def step_of_answer(of: Day) -> int:
    copied = Day(of.folder / "copy")
    copied.folder.mkdir()
    for file in of.folder.glob("*.*"):
        (copied.folder / file.name).write_bytes(file.read_bytes())
    return copied.steps().index("option_acknowledged")


def test_the_run_at_work_cancels_what_a_person_asks_for(tmp_path: Path) -> None:
    one = day(tmp_path)
    with one.desk() as desk:
        (intent,) = [state.intent for state in desk.store.options.states(DAY)]
        asked: list[ExitCode] = []

        def beside() -> tuple[()]:
            # After the first offer a person cancels; the run holds the lock.
            if not asked:
                with desk.store.lock():
                    _, told = cancel_options(desk, SESSION, intent.id)
                asked.extend(problem.exit_code for problem in told)
            return ()

        manage_options(desk, SESSION, beside)
    assert asked == [ExitCode.DONE]
    assert one.exchange.log == ["place 1 1 -1.15", "cancel 1"]
