"""Alarms: what a person should know first."""

from collections.abc import Sequence

from msgspec import Struct

from mtum.core.reporting.layout import Section, Sentence, Tone


class ProblemLine(Struct, frozen=True):
    """Something a person should know; `code` is the exit code it means, 0 for a notice."""

    code: int
    text: str


def section(problems: Sequence[ProblemLine], *, waiting: bool) -> Section:
    """Return the alarms, one sentence when all is well; `waiting` says that the session is not settled yet."""
    late = "Official close, fills and result are not known yet; the next report corrects this one."
    last = (Sentence(late),) if waiting else ()
    if not problems:
        well = (Sentence("The session ran as planned; nothing needs you."),)
        return Section("alarms", "Not settled yet" if waiting else "All well", last or well)
    title = "Needs you" if any(problem.code for problem in problems) else "Notices"
    lines = (
        Sentence(f"Exit code {problem.code}: {problem.text}", Tone.BAD) if problem.code else Sentence(problem.text)
        for problem in problems
    )
    return Section("alarms", title, (*lines, *last))
