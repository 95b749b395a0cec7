"""What the commands of the bar cache say of many problems."""

from datetime import date, timedelta

from mtum.app.bars.accept_bars import Refresh
from mtum.app.bars.sync_bars import Synced
from mtum.cli.bar_answers import sync_answer
from mtum.core.market.validation import BarProblem, Rule
from mtum.errors import ExitCode

DAYS = [date(2024, 1, 1) + timedelta(days=index) for index in range(600)]


def test_of_many_missing_sessions_the_first_are_named_and_the_rest_are_counted() -> None:
    missing = [BarProblem("MTUM", day, Rule.MISSING_SESSION, "no bar from yahoo", "sync") for day in DAYS]
    jump = BarProblem("MTUM", DAYS[7], Rule.JUMP, "move of +30.0%", "release")
    refresh = Refresh("MTUM", "yahoo", DAYS[-1], problems=(*missing, jump))
    answer = sync_answer((Synced("MTUM", refresh),), "yahoo")
    assert [problem.text for problem in answer.problems] == [
        "MTUM 2024-01-01: missing_session: no bar from yahoo; sync",
        "MTUM 2024-01-02: missing_session: no bar from yahoo; sync",
        "MTUM 2024-01-03: missing_session: no bar from yahoo; sync",
        "MTUM 2024-01-08: jump: move of +30.0%; release",
        "MTUM: 597 more sessions without a bar, up to 2025-08-22; sync",
    ]
    assert answer.exit_code is ExitCode.DATA
    assert len(answer.document["symbols"][0]["problems"]) == 601
