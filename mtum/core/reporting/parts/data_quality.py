"""Data: what the decision saw and how good it was."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from mtum.core.reporting import figures
from mtum.core.reporting.layout import Cell, Section, Sentence, Tone, facts_of
from mtum.core.reporting.parts.partial_bars import RegretLine, turned_rows
from mtum.core.reporting.stated import UNKNOWN, State, Stated


class DataQuality(Struct, frozen=True):
    """What the decision saw and how good it was; `final_*` are read after the close.

    `turned` are the conditions that came out otherwise on the final bar; None while there is none.
    Four sessions in five should end between `projected_low` and `projected_high`; None where the usual
    share is a documented one. `last_projection_error_frac` is that of the session before. `official_close`
    says that a replayed market was decided on the closes of price and extra series, not on earlier values.
    `embedded` says of each symbol of an embedded market what it really is.
    """

    source: str
    stands_in: str | None = None
    embedded: tuple[str, ...] = ()
    official_close: bool = False
    bar_at: datetime | None = None
    bars_used: int | None = None
    decision_close: float | None = None
    volume_so_far: float | None = None
    volume_share: float | None = None
    volume_projected: float | None = None
    final_volume: Stated = UNKNOWN
    projected_low: float | None = None
    projected_high: float | None = None
    projection_error_frac: Stated = UNKNOWN
    last_projection_error_frac: float | None = None
    vix: float | None = None
    final_vix: Stated = UNKNOWN
    rsi_form: str | None = None
    turned: tuple[str, ...] | None = None
    degraded: tuple[str, ...] = ()
    revisions: int = 0
    notes: tuple[str, ...] = ()


def section(seen: DataQuality, lately: Sequence[RegretLine], symbol: str) -> Section:
    """Return what the decision saw: source, age, volume projection, VIX.

    Parameters
    ----------
    seen : DataQuality
        What the decision saw and how good it was; `final_*` are read after the close.
    lately : sequence of RegretLine
        What final bars turned in the newest sessions.
    symbol : str
        Whose bars these are; empty where there is one symbol alone.
    """
    note = tuple(Sentence(text, Tone.QUIET) for text in seen.notes)
    note += (Sentence(figures.REPLAYED, Tone.QUIET),) if seen.official_close else ()
    facts = facts_of((*_seen_rows(seen), *turned_rows(seen.turned, lately), *_fault_rows(seen)))
    return Section("data", f"Data, {symbol}" if symbol else "Data", (facts, *note))


def _seen_rows(seen: DataQuality) -> Iterator[tuple[str, str, str]]:
    yield "Source of all bars", f"{seen.source}, {seen.stands_in} standing in" if seen.stands_in else seen.source, ""
    if seen.official_close:
        yield "Price decided on", "the official close", ""
    elif seen.bar_at is not None:
        yield "Newest price seen", figures.clock(seen.bar_at), ""
    if seen.bars_used is not None:
        yield "History used", figures.number(seen.bars_used, 0), "bars"
    yield from _volume_rows(seen)
    if seen.vix is not None or "vix" in seen.degraded:
        at_decision = figures.number(seen.vix) if seen.vix is not None else "missing"
        yield "VIX decided on" if seen.official_close else "VIX at the decision", at_decision, "points"
    if seen.vix is not None or seen.final_vix.state is not State.UNKNOWN:
        yield "VIX close", figures.late(seen.final_vix, figures.number(seen.final_vix.amount)), "points"


def _volume_rows(seen: DataQuality) -> Iterator[tuple[str, str, str]]:
    if seen.volume_so_far is not None:
        yield "Volume at the decision", figures.shares(seen.volume_so_far), "shares"
    if seen.volume_share is not None:
        yield "Usual share by that time", figures.percent(seen.volume_share, 1, sign=False), ""
    if seen.volume_projected is not None:
        yield "Volume projected", figures.shares(seen.volume_projected), "shares"
    if seen.projected_low is not None and seen.projected_high is not None:
        low, high = figures.shares(seen.projected_low), figures.shares(seen.projected_high)
        yield "80 % interval", f"{low} to {high}", "shares"
    final = seen.final_volume
    yield "Volume, whole session", figures.late(final, figures.shares(final.amount)), "shares"
    if seen.projection_error_frac.state is not State.UNKNOWN:
        yield "Projection error", figures.fraction(seen.projection_error_frac), ""
    if seen.last_projection_error_frac is not None:
        yield "Error, previous session", figures.percent(seen.last_projection_error_frac, 1), ""


def _fault_rows(seen: DataQuality) -> Iterator[tuple[str, Cell | str, str]]:
    if seen.degraded:
        yield "Degraded", Cell(", ".join(seen.degraded), Tone.BAD), ""
    if seen.revisions:
        yield "Bars revised by the source", figures.number(seen.revisions, 0), ""
