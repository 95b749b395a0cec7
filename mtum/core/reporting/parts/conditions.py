"""What the decision was made on: conditions, who wanted what, and the rules that decided nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from mtum.core.canonical import list_in, maybe_number, number_in, table_in, text_in
from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Block, Cell, Section, Sentence, Table, Tone, table_of

type Conflicts = Mapping[str, Mapping[str, float]]
"""By symbol what each voter wants to hold, as a fraction of the sleeve's equity."""


class ConditionLine(Struct, frozen=True):
    """One condition of the decision; `role` is "entry", "exit" or "change", `unit` that of value and threshold."""

    name: str
    role: str
    value: float | None
    threshold: float | None
    margin: float | None
    passed: bool
    unit: str = ""
    symbol: str = ""


def conditions_in(symbols: Mapping[str, object]) -> tuple[ConditionLine, ...]:
    """Return every condition of a decision's document, symbol by symbol."""
    found = []
    for symbol, part in symbols.items():
        for row in map(table_in, list_in(table_in(part).get("conditions", []))):
            spec = words.condition(text_in(row["name"]))
            value, threshold, margin = (
                spec.in_unit(maybe_number(row[name])) for name in ("value", "threshold", "margin")
            )
            passed, role = bool(row["passed"]), spec.role.value
            found.append(ConditionLine(spec.name, role, value, threshold, margin, passed, spec.unit, symbol))
    return tuple(found)


def conflicts_in(symbols: Mapping[str, object]) -> dict[str, dict[str, float]]:
    """Return the conflicts of a decision's document, symbol by symbol; nothing of symbols without one."""
    found = {symbol: table_in(table_in(part).get("conflict", {})) for symbol, part in symbols.items()}
    return {symbol: {who: number_in(one) for who, one in wants.items()} for symbol, wants in found.items() if wants}


def conflict_lines(conflicts: Conflicts) -> tuple[str, ...]:
    """Return a sentence of each conflict: those who want most first."""
    return tuple(f"The members disagree on {symbol}: {_wants(wants)}." for symbol, wants in conflicts.items())


def section(
    lines: Sequence[ConditionLine], held: Mapping[str, bool], rsi_form: str | None, conflicts: Sequence[str] = ()
) -> Section:
    """Return the conditions that could decide: exits where shares were held, entries otherwise, changes always.

    Parameters
    ----------
    lines : sequence of ConditionLine
        The conditions with their values.
    held : mapping of symbol to bool
        Every symbol of the report, and whether shares of it were held before the session.
    rsi_form : str or None
        How the RSI is smoothed, in words; None without an RSI.
    conflicts : sequence of str
        Sentences of who wanted what, where they disagreed.
    """
    blocks: list[Block] = [Sentence(line) for line in conflicts]
    for symbol in held:
        blocks += _tables(lines, held, symbol, "exit" if held[symbol] else "entry")
        blocks += _tables(lines, held, symbol, "change")
    if blocks and rsi_form:
        blocks.append(Sentence(f"RSI with {rsi_form} means.", Tone.QUIET))
    return Section("why", "Why", tuple(blocks))


def entry_rules(lines: Sequence[ConditionLine], held: Mapping[str, bool]) -> Section:
    """Return the entry conditions of symbols of which shares were held: they decided nothing."""
    tables = (table for symbol in held if held[symbol] for table in _tables(lines, held, symbol, "entry"))
    return Section("other", "Entry rules, for the record", tuple(tables))


def _tables(lines: Iterable[ConditionLine], held: Mapping[str, bool], symbol: str, role: str) -> Iterator[Table]:
    # A report from before symbols were kept has one, and names none in its lines.
    own = [line for line in lines if line.role == role and line.symbol in ("", symbol)]
    name = f" {symbol}" if len(held) > 1 else ""
    heads = {
        "entry": f"Enter{name} when all hold",
        "exit": f"Exit{name} when any holds",
        "change": f"What changes{name or ' it'}",
    }
    if own:
        yield table_of((heads[role], "value", "needs", "margin", "holds"), map(_row, own))


def _row(line: ConditionLine) -> tuple[Cell | str, ...]:
    known = line.value is not None and line.threshold is not None
    tone = Tone.GOOD if line.passed == (line.role != "exit") else Tone.BAD
    return (
        words.condition(line.name).words + (f", {line.unit}" if line.unit else ""),
        figures.in_unit(line.value, line.unit),
        figures.in_unit(line.threshold, line.unit),
        figures.in_unit(line.margin, line.unit, sign=True),
        Cell(("yes" if line.passed else "no") if known else "unknown", tone if known else Tone.QUIET),
    )


def _wants(wants: Mapping[str, float]) -> str:
    by_weight: dict[float, tuple[str, ...]] = {}
    for who, weight in sorted(wants.items(), key=lambda one: -one[1]):
        by_weight[weight] = (*by_weight.get(weight, ()), who)
    told = []
    for weight, names in by_weight.items():
        amount = f"{weight:.1%} of the sleeve" if weight else "none"
        told.append(f"{words.listed(names)} {'wants' if len(names) == 1 else 'want'} {amount}")
    return words.listed(tuple(told))
