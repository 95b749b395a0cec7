"""Every study is kept: its number for `mtum show backtests` and `mtum compare`."""

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mtum.cli.context import CommandCall
from mtum.cli.output import complain
from mtum.errors import StoreError

if TYPE_CHECKING:
    from mtum.config import Settings
    from mtum.core.market.bars import Column, Days
    from mtum.core.simulation.session_views import SessionHistory


def keep(
    call: CommandCall,
    kind: str,
    answer: dict[str, Any],
    settings: tuple["Settings", Mapping[str, Any]],
    *,
    bars: "Sequence[SessionHistory]",
    curve: "tuple[Days, Column] | None" = None,
) -> None:
    """Keep a study and put its number into its answer: null where it is not kept, which loses no answer.

    A study of CSV files makes no data folder that nobody named: it needs none but to be kept.

    Parameters
    ----------
    call : CommandCall
        The options given so far and what was read because of them; one object per process.
    kind : str
        backtest, sweep or walkforward.
    answer : dict of str to any
        The study's answer; its number is put into it.
    settings : (Settings, mapping)
        Those in force, and as plain values those that shaped the answer.
    bars : sequence of SessionHistory
        Everything that was played on.
    curve : (ndarray, ndarray) or None
        Sessions, and equity in USD at their closes, shape (n_sessions,) each.
    """
    in_force, shaped = settings
    answer["id"] = None
    folder = call.data_folder()
    named = call.data_dir is not None or "MTUM_DATA_DIR" in call.environment
    if in_force.market.source == "csv" and not named and not folder.exists():
        return
    from mtum.app.research.studies import Stamp, hash_of_bars, study_of
    from mtum.wiring.provenance import code_hash
    from mtum.wiring.resources import system_clock
    from mtum.wiring.studies import new_studies

    command = shlex.join(["mtum", *call.words])
    stamp = Stamp(system_clock().now(), command, code_hash(), hash_of_bars(bars))
    try:
        answer["id"] = new_studies(folder).keep(study_of(kind, answer, shaped, stamp, curve))
    except StoreError as error:
        complain(f"mtum: this {kind} is not kept: {error}")
