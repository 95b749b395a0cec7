"""Why was a session decided as it was, and what is the smallest change that would have flipped it?"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from textwrap import fill
from typing import ClassVar, cast

from msgspec import Struct, field

from mtum.core.canonical import list_in, number_in, table_in
from mtum.core.decide import own_state
from mtum.core.record import book_of, view_of
from mtum.core.reporting.condition_table import condition_table, number_text
from mtum.core.reporting.explain_options import option_lines, unmet_words
from mtum.core.reporting.parts.conditions import ConditionLine, Conflicts, conditions_in, conflict_lines, conflicts_in
from mtum.core.reporting.parts.flips import NUDGE, FlipLine, Questions, Situation, flips
from mtum.core.reporting.words import listed, reason
from mtum.core.strategies.contract import Condition, Keep, Shares, Strategy, SymbolVerdict, Target
from mtum.core.strategies.description import Role

OVERRULING = (
    "halted", "daily_loss", "cooldown", "budget_below_one_share", "cash_not_settled", "exit_carried", "vix_missing",
    "volume_unproven", "others_unfit",
)  # fmt: skip
"""Reasons that decide whatever the conditions say."""

TEXT_COLUMNS = 100
OF_OPTIONS = "the margins of each group's and underlying's conditions say how far it was from another verdict"
LABEL = 21
"""Columns of a name, more where one is longer."""
PRICE = {"symbol", "usd"}
"""Keys of a remembered price, whose name says the symbol."""

type Table = Mapping[str, object]


class SmallestFlip(Struct, frozen=True):
    """The least relative change of one input, all else equal, after which the action is another.

    `level` is where it changes, in the input's unit; `becomes` the action beyond it.
    """

    symbol: str
    input: str
    direction: str
    level: float
    now: float
    distance: float
    distance_frac: float
    becomes: str


class Explanation(Struct, frozen=True):
    """A stored decision told to a person.

    Parameters
    ----------
    inputs : mapping of symbol to values
        Indicators, what was seen of today's bar, and what was held.
    book : mapping
        Cash and restrictions at the decision.
    memory : mapping
        What the strategy remembers after it.
    flip : SmallestFlip or None
        None when no single input could have changed the action; `flip_note` says why.
    virtual : bool
        Whether it was decided with virtual money.
    conflicts : mapping of symbol to (mapping of str to float)
        Where the members of an ensemble disagree: what each wants, as a fraction of the sleeve's equity.
    options : mapping
        What was decided in options, as it is stored: every contract that was considered stands in it.
    """

    SPARSE: ClassVar = frozenset(("options",))

    session: str
    strategy: str
    action: str
    reasons: tuple[str, ...]
    planned: tuple[Table, ...]
    conditions: tuple[ConditionLine, ...]
    inputs: Mapping[str, Table]
    book: Table
    levels: tuple[FlipLine, ...]
    flip: SmallestFlip | None
    flip_note: str
    made_with: Table
    memory: Table = field(default_factory=dict)
    virtual: bool = False
    conflicts: Conflicts = field(default_factory=dict)
    options: Table = field(default_factory=dict)


def explanation_of(stored: Mapping[str, object], strategy: Strategy | None) -> Explanation:
    """Explain a stored decision.

    Parameters
    ----------
    strategy : Strategy or None
        The strategy that decided, with the parameters stored then; without it nothing can be asked again.
    stored : mapping
        The decision's row: session, strategy, action, reasons, document, frame, settings,
        settings_hash, code_version, code_hash, decided_at.
    """
    document, frame = table_in(stored["document"]), table_in(stored["frame"])
    symbols = table_in(document["symbols"])
    reasons = tuple(cast("Sequence[str]", stored["reasons"]))
    asked = _situation(frame, strategy)
    levels = {symbol: flips(asked, symbol) if asked else () for symbol in symbols}
    flip, note = _smallest_flip(asked, document, levels, reasons)
    return Explanation(
        session=str(stored["session"]),
        strategy=str(stored["strategy"]),
        action=str(stored["action"]),
        reasons=reasons,
        planned=tuple(cast("Sequence[Table]", document.get("planned", ()))),
        conditions=conditions_in(symbols),
        inputs={symbol: _inputs(symbol, document, frame, strategy) for symbol in symbols},
        book={name: value for name, value in table_in(frame["book"]).items() if name != "holdings"},
        levels=tuple(line for lines in levels.values() for line in lines),
        flip=flip,
        flip_note=note,
        memory=table_in(document.get("memory", {})),
        virtual=bool(document.get("virtual")),
        conflicts=conflicts_in(symbols),
        options=_with_ranked(table_in(document.get("options", {})), frame),
        made_with={name: stored.get(name) for name in ("decided_at", "code_version", "code_hash", "settings_hash")},
    )


def _with_ranked(options: Table, frame: Table) -> Table:
    # By the frame, as it was decided: the index stands for an underlying whose own volatility nobody told.
    rows = [dict(table_in(row)) for row in list_in(options.get("verdicts", []))]
    if not rows:
        return options
    from mtum.core.strategies.option_rules import ranked_series  # what shares do without
    from mtum.core.strategies.option_words import RANKED

    view = view_of(frame)
    for row in rows:
        if RANKED & {table_in(one)["name"] for one in list_in(row["conditions"])}:
            row["iv_series"] = ranked_series(view, str(row["underlying"]))
    return {**options, "verdicts": rows}


def _inputs(symbol: str, document: Table, frame: Table, strategy: Strategy | None) -> dict[str, object]:
    part, bars = table_in(table_in(document["symbols"])[symbol]), table_in(table_in(frame["bars"]).get(symbol, {}))
    notes = cast("Sequence[str]", document.get("notes", ()))
    if not bars:  # its bars could not be decided on
        said = [text for note in notes if (text := note.removeprefix(f"{symbol} not decided: ")) != note]
        close = table_in(frame.get("unfit", {})).get(symbol)
        return {**({"not_decided": said[0]} if said else {}), "last_close": close, "held": _with_pledged(symbol, frame)}
    days = cast("Sequence[str]", bars["days"])
    seen = table_in(table_in(document.get("seen", {})).get(symbol, {}))
    today = {name: cast("Sequence[object]", bars[name])[-1] for name in ("open", "high", "low")}
    history = {"source": bars["source"], "sessions": len(days), "first_session": days[0], "last_session": days[-1]}
    sure = _confidence(symbol, part, frame, strategy)
    told: dict[str, object] = {} if sure is None else {"confidence": sure}
    if unseen := [text for note in notes if (text := note.removeprefix(f"{symbol} not seen: ")) != note]:
        told["not_seen"] = "; ".join(unseen)
    return {**table_in(part["indicators"]), **told, **today, **seen, **history, "held": _with_pledged(symbol, frame)}


def _confidence(symbol: str, part: Table, frame: Table, strategy: Strategy | None) -> float | None:
    if strategy is None:
        return None
    rows = cast("Sequence[Table]", part["conditions"])
    conditions = tuple(
        Condition(str(row["name"]), None, None, _maybe(row["margin"]), passed=bool(row["passed"])) for row in rows
    )
    verdict = Target(1.0) if part["verdict"] in ("target", "shares") else Keep()
    said = SymbolVerdict(symbol, verdict, (), conditions, {}, confidence=_maybe(part.get("confidence")))
    return confidence_of(strategy, said, held=bool(_holding(symbol, frame)["shares"]))


def confidence_of(strategy: Strategy, verdict: SymbolVerdict, *, held: bool) -> float | None:
    """Return how sure a strategy is of a verdict, from 0 to 1; None where it does not act.

    Its own measure; else, where its conditions say it, the part that holds of those of its side that are
    known: of the entry's while flat, 1 less the exit's while long. All others are sure when they act.

    Parameters
    ----------
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    verdict : SymbolVerdict
        A strategy's verdict on one symbol, with everything that led to it.
    held : bool
        Whether the symbol is held.
    """
    if verdict.confidence is not None:
        return verdict.confidence
    if not strategy.CONFIDENCE:
        return 1.0 if isinstance(verdict.verdict, Target | Shares) else None
    role = Role.EXIT if held else Role.ENTRY
    side = {spec.name for spec in strategy.CONDITIONS if spec.role is role}
    known = [one.passed for one in verdict.conditions if one.name in side and one.margin is not None]
    share = sum(known) / len(known) if known else None
    return None if share is None else round(1.0 - share if held else share, 6)


def _holding(symbol: str, frame: Table) -> Table:
    return table_in(table_in(table_in(frame["book"])["holdings"]).get(symbol, {"shares": 0}))


def _with_pledged(symbol: str, frame: Table) -> Table:
    # To a decision on shares those that calls may call for are not there; to a person they are.
    holding, kept = _holding(symbol, frame), table_in(table_in(frame["book"])["unsellable_shares"]).get(symbol)
    if not kept or "options" not in frame:
        return holding
    return {**holding, "shares": number_in(holding["shares"]) + number_in(kept), "pledged": kept}


def _situation(frame: Table, strategy: Strategy | None) -> Situation | None:
    if strategy is None or not strategy.CONDITIONS:
        return None
    view = view_of(frame)
    return Situation("session", strategy, view, own_state(view, strategy, book_of(frame)))


def _smallest_flip(
    situation: Situation | None, document: Table, levels: Mapping[str, tuple[FlipLine, ...]], reasons: Sequence[str]
) -> tuple[SmallestFlip | None, str]:
    overruled = next((word for word in reasons if word in OVERRULING), None)
    if overruled is not None:
        return None, f"no change of the market would have: {reason(overruled)}"
    if "options" in document:
        return None, OF_OPTIONS
    if situation is None or not any(levels.values()):
        asked = any(table_in(part)["conditions"] for part in table_in(document["symbols"]).values())
        why = "none of its conditions follows one input of the symbol" if asked else "this strategy has no conditions"
        return None, f"no single input would have: {why}"
    found = [
        flip
        for symbol, lines in levels.items()
        if lines
        for flip in _flips_of(symbol, lines, Questions(situation, symbol))
    ]
    if not found:
        return None, "no single input would have: more than one thing stood in the way"
    return min(found, key=lambda flip: abs(flip.distance_frac)), ""


def _flips_of(symbol: str, lines: Sequence[FlipLine], questions: Questions) -> Iterator[SmallestFlip]:
    present = {line.input: line.now for line in lines if line.now is not None}
    for name, now in present.items():
        for beyond in _beyond(name, now, lines):
            becomes = questions.act_at(name, beyond)
            if becomes == questions.act or not now:
                continue
            level = min((line.level for line in lines if line.input == name), key=lambda at: abs(at - beyond))
            distance = level - now
            yield SmallestFlip(
                symbol, name, "above" if beyond > level else "below", level, now, round(distance, 6),
                round(distance / now, 6), becomes,
            )  # fmt: skip


def _beyond(name: str, now: float, lines: Sequence[FlipLine]) -> Iterator[float]:
    # One value between any two neighboring levels, one outside on either side: nothing else can differ.
    levels = sorted({line.level for line in lines if line.input == name})
    edges = [levels[0] * 0.5, *levels, levels[-1] * 2.0] if levels else []
    for low, high in pairwise(edges):
        if low < now < high:
            continue
        # Next to the edge that is nearer to the present value, so that the level found is the one crossed.
        step = min((high - low) / 2.0, NUDGE * low)
        yield low + step if now <= low else high - step


def explanation_text(told: Explanation, became: Mapping[tuple[str, str], tuple[int, int]] | None = None) -> str:
    """Return the explanation as plain text, at most TEXT_COLUMNS wide.

    Parameters
    ----------
    became : mapping of (symbol, side) to (int, int)
        Shares of an order that change sleeves and that go to the broker.
    """
    held = any(table_in(values["held"]).get("shares") for values in told.inputs.values()) or bool(told.options)
    did = "STAY OUT" if told.action == "hold" and not held else told.action.upper()
    lines = [f"{told.session}  {told.strategy}: {did}{' (VIRTUAL: nothing is sent)' if told.virtual else ''}"]
    unfit = [symbol for symbol, values in told.inputs.items() if "last_close" in values]
    unmet = unmet_words(told.options) if told.options and not told.planned else ()
    why = listed(unmet or tuple(reason(word, told.book.get("settles_by"), unfit) for word in told.reasons))
    lines += fill(f"because: {why}", TEXT_COLUMNS).splitlines()
    for row in told.planned:
        crossed, sent = (became or {}).get((str(row["symbol"]), str(row["side"])), (0, row["shares"]))
        parts = [f"{crossed} change sleeves"] if crossed else []
        parts += [f"{sent or 'none'} to the broker"] if crossed or sent else ["not made"]
        what = "" if sent == row["shares"] else f": {', '.join(parts)}"
        lines.append(f"order: {row['side']} {row['shares']} {row['symbol']} ({row['purpose']}){what}")
    for line in conflict_lines(told.conflicts):
        lines += fill(line, TEXT_COLUMNS).splitlines()
    lines += ["", *condition_table(told.conditions)] if told.conditions else []
    lines += option_lines(told.options) if told.options else []
    lines += ["", "What would have flipped it", f"  {_flip_text(told)}"]
    for symbol, values in told.inputs.items():
        lines += ["", f"Inputs, {symbol}", *_pairs(values)]
    lines += ["", "Book", *_pairs(told.book)]
    lines += ["", "Remembers", *_pairs(told.memory)] if told.memory else []
    lines += ["", "Made with", *_pairs(told.made_with)]
    return "\n".join(lines)


def _flip_text(told: Explanation) -> str:
    flip = told.flip
    if flip is None:
        return told.flip_note
    of = f"{flip.symbol}: " if len(told.inputs) > 1 else ""
    return (
        f"{of}{flip.input} {flip.direction} {number_text(flip.level)} instead of {number_text(flip.now)} "
        f"({flip.distance_frac:+.2%}): {flip.becomes}"
    )


def _pairs(values: Table, indent: str = "  ") -> Iterator[str]:
    width = max((LABEL, *map(len, values)))
    for name, value in values.items():
        label = f"{indent}{name.replace('_', ' ')}"
        if isinstance(value, Mapping) and value.keys() != PRICE:
            yield label + ("" if value else ": none")
            yield from _pairs(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield label
            for one in value:
                yield from _pairs(one, indent + "  ")
        else:
            told = f"{number_text(value['usd'])} USD" if isinstance(value, Mapping) else number_text(value)
            yield f"{label:<{len(indent) + width}} {told}"


def _maybe(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
