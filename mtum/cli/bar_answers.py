"""What the commands of the bar cache answer: documents and tables."""

from typing import TYPE_CHECKING, Any

from mtum.cli.output import Answer, AnswerProblem, Listing
from mtum.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mtum.app.bars.accept_bars import Refresh
    from mtum.app.bars.check_bars import Checked, Disagreement
    from mtum.app.bars.sync_bars import Synced
    from mtum.core.market.validation import BarProblem
    from mtum.ports.records import QuarantinedBar

_NAMED_SESSIONS = 3
_SHOWN_APART = 20
_APART = ("symbol", "session", "source", "close", "other_source", "other_close")


def problem_of(problem: "BarProblem") -> AnswerProblem:
    """Return a broken rule as a problem of the command."""
    return AnswerProblem(int(ExitCode.DATA), problem.text)


def told(problems: "Sequence[BarProblem]") -> list[AnswerProblem]:
    """Return broken rules as problems of the command; of many missing sessions the first ones and how many more."""
    missing = [problem for problem in problems if problem.rule.value == "missing_session"]
    unnamed = frozenset(missing[_NAMED_SESSIONS:])
    found = [problem_of(problem) for problem in problems if problem not in unnamed]
    if unnamed:
        last = missing[-1]
        text = f"{last.symbol}: {len(unnamed)} more sessions without a bar, up to {last.session}; {last.advice}"
        found.append(AnswerProblem(int(ExitCode.DATA), text))
    return found


def sync_answer(results: tuple["Synced", ...], source: str, *, listed: bool = True) -> Answer:
    """Return what `mtum bars sync` answers; `listed` False where each line has been seen as progress.

    Parameters
    ----------
    results : tuple of Synced
        What became of each symbol.
    source : str
        Name of the source.
    listed : bool
        Whether each line is printed; False where each has been seen.
    """
    problems = [AnswerProblem(int(one.error.exit_code), str(one.error)) for one in results if one.error]
    for one in results:
        broken = one.refresh.problems if one.refresh else ()
        problems += told([problem for problem in broken if problem.blocks_exit])
    document = {"source": source, "symbols": [_synced_document(one) for one in results]}
    code = ExitCode.DATA if problems else ExitCode.DONE
    return Answer(document, [sync_line(one) for one in results] if listed else [_summary(results)], code, problems)


def _summary(results: tuple["Synced", ...]) -> str:
    from mtum.core.reporting.words import count

    refreshed = [one.refresh for one in results if one.refresh]
    return f"{len(refreshed)} of {len(results)} read, {count(sum(one.written for one in refreshed), 'bar')} written"


def _synced_document(one: "Synced") -> dict[str, Any]:
    if one.refresh is None:
        return {"symbol": one.symbol, "error": str(one.error)}
    refresh = one.refresh
    return {
        "symbol": one.symbol,
        "read": refresh.read,
        "written": refresh.written,
        "last_session": refresh.last_session,
        "revisions": len(refresh.revisions),
        "splits": [{"session": split.session, "ratio": split.ratio} for split in refresh.splits],
        "problems": [problem.text for problem in refresh.problems],
        "notes": list(refresh.notes),
    }


def sync_line(one: "Synced") -> str:
    """Return what became of one symbol, on one line."""
    if one.refresh is None:
        said = str(one.error)
        return said if said.startswith(one.symbol) else f"{one.symbol}: {said}"
    refresh = one.refresh
    parts = [f"{one.symbol}: {refresh.read} read, {refresh.written} written, up to {refresh.last_session or 'nothing'}"]
    parts += [f"{len(refresh.revisions)} revisions"] if refresh.revisions else []
    parts += [f"split {split.ratio:g}:1 on {split.session}" for split in refresh.splits]
    parts += [f"{len(refresh.problems)} problems, the first: {refresh.problems[0].text}"] if refresh.problems else []
    return ", ".join([*parts, *refresh.notes])


def import_answer(found: "tuple[Refresh, tuple[BarProblem, ...]]", source: str) -> Answer:
    """Return what `mtum bars import` answers: what was written, or the rules that kept everything out."""
    refresh, broken = found
    problems = told(broken or refresh.problems)
    document = {
        "symbol": refresh.symbol,
        "source": source,
        "read": refresh.read,
        "written": refresh.written,
        "revisions": len(refresh.revisions),
        "notes": list(refresh.notes),
    }
    if broken:
        return Answer(document, [problem.text for problem in broken[:20]], ExitCode.DATA, problems)
    line = f"{refresh.symbol} from {source}: {refresh.read} read, {refresh.written} written"
    return Answer(document, [", ".join([line, *refresh.notes])], ExitCode.DATA if problems else ExitCode.DONE, problems)


def check_answer(
    found: tuple["Checked", ...], held: list["QuarantinedBar"], apart: tuple["Disagreement", ...] = ()
) -> Answer:
    """Return what `mtum bars check` answers.

    Parameters
    ----------
    found : tuple of Checked
        What was found of each symbol.
    held : list of QuarantinedBar
        Bars that are kept out.
    apart : tuple of Disagreement
        Closes on which two sources differ.
    """
    broken = [problem for one in found for problem in told(one.problems)]
    document = {
        "checked": [
            {
                "symbol": one.symbol,
                "source": one.source,
                "bars": one.bars,
                "first": one.first,
                "last": one.last,
                "final_until": one.final_until,
                "behind_sessions": one.behind_sessions,
                "problems": [problem.text for problem in one.problems],
                "volume": list(one.volume_misses),
            }
            for one in found
        ],
        "kept_out": [_held_document(one) for one in held],
        "sources_apart": list(apart),
    }
    columns = ("symbol", "source", "bars", "first", "last", "final until", "sessions behind", "problems")
    rows = [
        (one.symbol, one.source, one.bars, one.first, one.last, one.final_until, one.behind_sessions, len(one.problems))
        for one in found
    ]
    shown: list[str | Listing] = [Listing(columns, rows)] if rows else ["nothing is cached yet"]
    shown += [problem.text for problem in broken[:20]]
    if held:
        cells = [(one.id, one.symbol, one.source, one.bar.day, one.bar.close, one.rule, one.found) for one in held]
        titles = ("id", "symbol", "source", "session", "close", "rule", "found")
        shown.append(Listing(titles, cells, title="Kept out, or restated and not accepted:"))
    shown += [
        f"{one.symbol} {miss.session}: volume projected {miss.projected:,.0f}, "
        f"was {miss.final:,.0f} ({miss.error_frac:+.1%})"
        for one in found
        for miss in one.volume_misses
    ]
    if apart:
        cells = [tuple(getattr(one, name) for name in _APART) for one in apart[-_SHOWN_APART:]]
        shown.append(Listing(_APART, cells, title=f"Closes that two sources state differently, {len(apart)} in all:"))
    return Answer(document, shown, ExitCode.DATA if broken else ExitCode.DONE, broken)


def _held_document(one: "QuarantinedBar") -> dict[str, Any]:
    return {
        "id": one.id,
        "symbol": one.symbol,
        "source": one.source,
        "session": one.bar.day,
        "close": one.bar.close,
        "rule": one.rule,
        "found": one.found,
        "seen_at": one.seen_at,
    }
