"""A decision in options told to a person: each verdict with its conditions, orders, and what is not carried out."""

from collections.abc import Iterator, Mapping
from textwrap import fill

from mtum.core.canonical import list_in, number_in, table_in, text_in
from mtum.core.reporting.condition_table import condition_table, number_text
from mtum.core.reporting.parts.conditions import conditions_in
from mtum.core.reporting.words import condition, count, listed, reason

COLUMNS = 100
_DOES = {"open": "OPEN", "close": "CLOSE", "roll": "ROLL"}

_FILTERS = {
    "width_frac": "quoted {value} of the middle wide, {threshold} at most",
    "width_usd": "quoted {value} USD wide, {threshold} at most",
    "delta_known": "no delta: no volatility explains its price",
    "open_interest": "open interest {value}, {threshold} at least",
    "first_days": "{value} days to expiry, {threshold} at least",
    "last_days": "{value} days to expiry, {threshold} at most",
    "max_delta": "delta {value}, {threshold} at most",
    "min_credit": "middle {value} USD, above {threshold}",
    "max_strike": "strike {value}, {threshold} at most",
    "min_strike": "strike {value}, {threshold} at least",
    "nearest_delta": "{value} from the delta sought, another is {threshold} from it",
    "nearest_expiry": "{value} days from the expiry sought, another is {threshold} from it",
    "other_leg": "nothing is left for another leg",
    "beyond": "{value} USD beyond the short leg, more than {threshold}",
    "wing": "{value} USD from the short leg, {threshold} at most",
    "old_expiry": "{value} days to expiry, the old one has {threshold}",
    "roll_credit": "the roll brings {value} USD, {threshold} at least",
    "another_contract": "it is the old one",
    "monthly_class": "no standard monthly contract",
}
"""What a filter says of the contract that it removed."""

type Table = Mapping[str, object]


def option_lines(options: Table) -> Iterator[str]:
    """Return what was decided in options, line by line; contracts that were considered are only counted."""
    priced = "MODEL-PRICED, " if options["model_priced"] else ""
    yield from ("", f"Options ({priced}chains: {options['source']})")
    for row in map(table_in, list_in(options["planned"])):
        yield from _filled(_order(row))
    for row in map(table_in, list_in(options["held_back"])):
        yield from _filled(held_back_text(row))
    for text in list_in(options["alarms"]):
        yield from _filled(f"halted: {text_in(text)}")
    for verdict in map(table_in, list_in(options["verdicts"])):
        yield from ("", *_filled(f"{_head(verdict)}"))
        if "selection" in verdict:
            yield from _filled(_selection(table_in(verdict["selection"])), "    ")
        if verdict.get("iv_series"):
            yield f"    IV rank: of {verdict['iv_series']}"
        rows = conditions_in({"": verdict})
        yield from (f"  {line}" for line in (condition_table(rows) if rows else ()))


def contract_lines(options: Table) -> Iterator[str]:
    """Return every contract that was considered and the filter that removed it."""
    for verdict in map(table_in, list_in(options["verdicts"])):
        found = table_in(verdict.get("selection", {}))
        if not found:
            continue
        yield from ("", f"Contracts of {_name(verdict)}", *_filled(_selection(found)))
        if rows := [_contract(list_in(row), list_in(found["chosen"])) for row in list_in(found["considered"])]:
            widths = [max(len(row[at]) for row in rows) for at in range(2)]
            yield from (f"  {name:<{widths[0]}}  {side:<{widths[1]}}  {why}" for name, side, why in rows)


def without_contracts(options: Table) -> dict[str, object]:
    """Return a decision in options without the contracts that were considered; how many there were is left."""
    verdicts = []
    for verdict in map(table_in, list_in(options["verdicts"])):
        found = table_in(verdict.get("selection", {}))
        if found:
            kept = {name: value for name, value in found.items() if name not in ("considered", "columns")}
            fewer = {**kept, "considered": len(list_in(found["considered"]))}
            verdict = {**verdict, "selection": fewer}  # noqa: PLW2901 - the same verdict, told shorter
        verdicts.append(verdict)
    return {**options, "verdicts": verdicts}


def _filled(text: str, indent: str = "  ") -> list[str]:
    return fill(text, COLUMNS, initial_indent=indent, subsequent_indent=f"{indent}  ").splitlines()


def _order(row: Table) -> str:
    legs = ", ".join(
        f"{leg['side']} {number_in(leg['ratio']) * number_in(row['quantity'])} {leg['contract']}"
        for leg in map(table_in, list_in(row["legs"]))
    )
    start, worst = (None if row[name] is None else float(text_in(row[name])) for name in ("start", "worst"))
    way = "received" if (start or 0.0) < 0 else "paid"
    bound = "the far side at worst" if worst is None else f"{number_text(abs(worst))} at worst"
    loses = float(text_in(row["most_loss_usd"]))
    most = f", at most {number_text(loses)} USD to lose" if loses else ""
    why = listed(tuple(reason(text_in(word)) for word in list_in(row["reasons"])))
    price = f"{number_text(abs(start or 0.0))} USD {way} at the middle, {bound}"
    return f"{row['purpose']} {row['group']}: {legs}; {price}{most} ({why})"


def held_back_text(row: Table) -> str:
    """Return what was wanted and is not made, and why."""
    text = text_in(row["text"])
    why = f"{reason(text_in(row['reason']))}{f' ({text})' if text else ''}"
    return f"not made: {row['purpose']} in {row['underlying']}: {why}"


def _name(verdict: Table) -> str:
    return f"{verdict['underlying']} {verdict['group']}".strip()


def _head(verdict: Table) -> str:
    if verdict["proposes"] is None:
        return f"{_name(verdict)}: nothing: {listed(_unmet(verdict))}"
    why = listed(tuple(reason(text_in(word)) for word in list_in(verdict["reasons"])))
    return f"{_name(verdict)}: {_DOES[text_in(verdict['proposes'])]}: {why}"


def unmet_words(options: Table) -> tuple[str, ...]:
    """Return what was not met where nothing is done, each group and each opening in turn; none where something is."""
    if list_in(options["planned"]) or list_in(options["held_back"]):
        return ()
    found = [_unmet(verdict) for verdict in map(table_in, list_in(options["verdicts"]))]
    return tuple(dict.fromkeys(text for texts in found for text in texts))


def _unmet(verdict: Table) -> tuple[str, ...]:
    # The deciding reason; else every condition that did not hold. A rule that did is named where it comes to nothing.
    rows = map(table_in, list_in(verdict["conditions"]))
    failed = [text_in(row["name"]) for row in rows if not row["passed"]]
    first, *more = (text_in(word) for word in list_in(verdict["reasons"]))
    if failed and (first == "hold" or first in failed):
        return tuple(dict.fromkeys(condition(name).failing or f"not: {condition(name).words}" for name in failed))
    though = f", though {listed(tuple(map(reason, more)))}" if more and verdict["group"] else ""
    return (f"{reason(first)}{though}",)


def _selection(found: Table) -> str:
    if found["refused"] is not None:
        return f"no contract: {found['refused']}"
    looked = found["considered"]
    number = int(number_in(looked)) if isinstance(looked, int) else len(list_in(looked))
    seen = count(number, "contract") + " considered"
    if list_in(found["chosen"]):
        return f"{seen} (`mtum explain --contracts` names each)"
    by = found["emptied_by"]
    return f"{seen}, none left{f': {filter_text(table_in(by))}' if isinstance(by, Mapping) else ''}"


def filter_text(by: Table) -> str:
    """Return what a filter says of the contract that it removed: name, value and threshold in."""
    name = text_in(by["name"])
    value, threshold = (number_text(by[one]) for one in ("value", "threshold"))
    if name in _FILTERS:
        return _FILTERS[name].format(value=value, threshold=threshold)
    words = condition(name).words
    return words if by["value"] is None else f"{words}: {value}, {threshold} is the limit"


def _contract(row: list[object], chosen: list[object]) -> tuple[str, str, str]:
    name, number, side, removed, value, threshold = row
    if removed is None:
        return str(name), str(side), "chosen" if number in chosen else "left, and not the nearest"
    return str(name), str(side), filter_text({"name": removed, "value": value, "threshold": threshold})
