"""Column forms as the loop of the walker reads them, and what makes one that it cannot read."""

from math import inf

import numpy as np

from mtum.core.market.bars import Column
from mtum.core.simulation.walker.tables import ALLOCATES, RANKS, REBALANCES, SIGNALS, Wishes
from mtum.core.strategies.columns import (
    Allocation,
    ColumnForm,
    Mask,
    Positions,
    Ranking,
    Signals,
    SingleForm,
    Trail,
    Votes,
)
from mtum.core.strategies.rebalancing import Rebalancing

_BY_SESSION = "distance", "highest", "anew"


def form_problem(form: ColumnForm, sessions: int, symbols: int) -> str | None:
    """Say what of a column form cannot be played; None where nothing is wrong.

    Parameters
    ----------
    form : ColumnForm
        What a strategy wants, as columns.
    sessions : int
        How many sessions the market has.
    symbols : int
        How many symbols the market has.
    """
    if isinstance(form, Votes):
        return next(filter(None, (form_problem(one.form, sessions, len(one.symbols)) for one in form.voters)), None)
    table, name = (form.ranks, "ranks") if isinstance(form, Ranking) else (form.weights, "weights")
    rows = len(table)
    shapes: dict[str, tuple[Column | Positions | Mask, tuple[int, ...]]] = {
        "row": (form.row, (sessions,)),
        name: (table, (rows, symbols)),
    }
    if isinstance(form, Allocation):
        shapes["words"] = form.words, (3, rows, symbols)
        if form.trail is not None:
            shapes |= {f"trail.{one}": (getattr(form.trail, one), (sessions, symbols)) for one in _BY_SESSION}
            shapes["trail.words"] = form.trail.words, (rows, symbols)
    elif isinstance(form, Rebalancing):
        bands = {"widths": form.widths, **{f"triggers.{at}.least": one.least for at, one in enumerate(form.triggers)}}
        shapes |= {what: (np.asarray(one), (symbols,)) for what, one in bands.items() if np.ndim(one)}
    elif isinstance(form, Signals):
        shapes |= {"ranks": (form.ranks, (rows, symbols)), "kept": (form.kept, (rows, symbols))}
        shapes["leaves"] = form.leaves, (rows, symbols)
    else:
        shapes["may_buy"] = form.may_buy, (rows,)
        shapes |= {"parts": (form.parts, (rows, symbols))} if len(form.parts) else {}
    for what, (column, shape) in shapes.items():
        if np.shape(column) != shape:
            return f"{what} of shape {np.shape(column)}; {shape} is needed"
    for what, numbers, least, most in (
        ("row", form.row, -1 - rows if isinstance(form, Ranking) else -2, rows - 1),
        ("words", _words(form), 0, len(form.reasons) - 1),
    ):
        if numbers.size and (numbers.min() < least or numbers.max() > most):
            return f"{what} from {numbers.min()} to {numbers.max()}; {least} to {most} is possible"
    if isinstance(form, Rebalancing) and (not form.triggers or bool(np.isnan(form.weights).any())):
        return "no trigger, or a weight that is no number"
    # What several rounded parts are together may be above 1 by as many halves of a rounding.
    if not isinstance(form, Ranking) and bool(((form.weights < 0) | (form.weights > 1 + symbols * 1e-6)).any()):
        return "a weight below 0 or above 1"
    return None


def _words(form: SingleForm) -> Positions:
    # Every position in the reasons of a form that it can ask for.
    if isinstance(form, Ranking):
        return np.arange(3)
    if isinstance(form, Rebalancing):
        return np.array([max(0, form.flat_word), *(word for one in form.triggers for word in one.words)])
    if isinstance(form, Signals):
        return np.append(form.leaves + sum(form.bits), form.step_word)
    trail = [] if form.trail is None else [form.trail.words.ravel(), [form.trail.word]]
    return np.concatenate([form.words.ravel(), *trail])


def wishes_of(form: SingleForm, at: Positions, count: int) -> Wishes:
    """Return a column form as the loop reads it, with a column for each symbol that was ever on the list.

    Parameters
    ----------
    form : SingleForm
        What a strategy wants, as columns.
    at : ndarray of int, shape (n_symbols,)
        Where each of its symbols stands among all of them.
    count : int
        How many there are in all.
    """
    found = _wishes(form, len(at))
    if len(at) == count:
        return found

    def wide[T: (Column, Positions, Mask)](table: T, nothing: float | Column = 0) -> T:
        whole = np.full((*table.shape[:-1], count), nothing, dtype=table.dtype)
        whole[..., at] = table
        return whole

    off = np.broadcast_to(np.setdiff1d(np.arange(count), at), (len(found.sequence), count - len(at)))
    return found._replace(
        # Bands are traded back over all weights, also of what is not there any more: it has none.
        value=wide(found.value, 0.0 if found.kind == REBALANCES else np.nan),
        part=wide(found.part, np.nan),
        words=wide(found.words),
        sequence=np.hstack([at[found.sequence], off]),
        kept=wide(found.kept, np.nan),
        distance=wide(found.distance, np.nan),
        highest=wide(found.highest, np.nan),
        anew=wide(found.anew),
        # A sum of all gaps looks at the first column's.
        bands=wide(found.bands, found.bands[:, :1]),
        widths=wide(found.widths),
    )


def _wishes(form: SingleForm, count: int) -> Wishes:
    if isinstance(form, Allocation):
        found = _nothing(form, count)._replace(
            kind=ALLOCATES,
            value=form.weights,
            words=form.words.astype(np.int64),
            least_change=float(form.least_change),
            entries_always=form.entries_always,
            most_drift=float(form.most_drift),
            drift_word=form.drift_word,
            targets_last=form.targets_last,
        )
        return found if form.trail is None else _with_trail(found, form.trail)
    if isinstance(form, Signals):
        return _nothing(form, count)._replace(
            kind=SIGNALS,
            value=form.weights,
            words=form.leaves.astype(np.int64)[None],
            sequence=_ordered(form.ranks),
            top=form.max_positions,
            kept=form.kept,
            target=float(form.target),
            stop=float(form.stop),
            most_sessions=form.max_sessions,
            bits=np.array(form.bits, dtype=np.int64),
            step=float(form.step),
            step_word=form.step_word,
            most_units=form.most_units,
            most_weight=float(form.most_weight),
        )
    if isinstance(form, Rebalancing):
        return _nothing(form, count)._replace(
            kind=REBALANCES,
            value=form.weights,
            triggers=np.array([one.numbers() for one in form.triggers], dtype=np.int64),
            amounts=np.array([one.amounts() for one in form.triggers], dtype=np.float64),
            bands=np.array([np.broadcast_to(one.least, count) for one in form.triggers], dtype=np.float64),
            widths=np.broadcast_to(np.asarray(form.widths, dtype=np.float64), count).copy(),
            flat_word=form.flat_word,
            lookback=form.lookback,
            choppiness=float(form.choppiness),
        )
    return _nothing(form, count)._replace(
        kind=RANKS,
        value=form.ranks,
        part=form.parts if len(form.parts) else np.empty((0, count)),
        # What has no rank stands behind what has one, in the order of the list.
        sequence=_ordered(form.ranks),
        may_buy=form.may_buy,
        top=form.top,
        stay_rank=form.stay_rank,
    )


def _with_trail(found: Wishes, trail: Trail) -> Wishes:
    return found._replace(
        words=np.concatenate([found.words, trail.words.astype(np.int64)[None]]),
        trails=True,
        distance=trail.distance,
        highest=np.nan_to_num(trail.highest, nan=inf, posinf=inf),
        anew=trail.anew,
        stop_word=trail.word,
    )


def _nothing(form: SingleForm, count: int) -> Wishes:
    # What a form does not use is one row of nothing, and no limit.
    nothing, listed = np.full((1, count), np.nan), np.arange(count, dtype=np.int64)[None, :]
    return Wishes(
        kind=ALLOCATES,
        row=form.row,
        value=nothing,
        part=np.empty((0, count)),
        words=np.zeros((1, 1, 1), dtype=np.int64),
        sequence=listed,
        may_buy=np.ones(1, dtype=bool),
        least_change=0.0,
        entries_always=True,
        most_drift=inf,
        drift_word=0,
        targets_last=False,
        top=0,
        stay_rank=0,
        kept=nothing,
        target=inf,
        stop=inf,
        most_sessions=0,
        bits=np.zeros(3, dtype=np.int64),
        step=inf,
        step_word=0,
        most_units=1,
        most_weight=1.0,
        trails=False,
        distance=nothing,
        highest=nothing,
        anew=np.zeros((1, count), dtype=bool),
        stop_word=0,
        triggers=np.zeros((1, 9), dtype=np.int64),
        amounts=np.zeros((1, 4)),
        bands=nothing,
        widths=nothing[0],
        flat_word=-1,
        lookback=0,
        choppiness=inf,
    )


def _ordered(ranks: Column) -> Positions:
    return np.argsort(np.nan_to_num(ranks, nan=inf, posinf=inf, neginf=-inf), axis=1, kind="stable")
