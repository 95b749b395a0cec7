"""A study put into a research file without playing it."""

from pathlib import Path

from mtum.ports.research import Study
from mtum.wiring.studies import new_studies


def kept_study(data: Path, command: str = "mtum backtest", made_at: str = "2026-01-02T12:00:00Z") -> int:
    """Keep a backtest of one year in which nothing was earned; return its number."""
    study = Study(
        made_at=made_at,
        kind="backtest",
        command=command,
        strategy="buy_and_hold",
        symbols="MTUM",
        source="sample",
        start="2017-01-03",
        end="2017-12-29",
        sessions=251,
        final_equity_usd=5000.0,
        cagr_frac=0.0,
        sharpe=None,
        max_drawdown_frac=0.0,
        settings_hash="a",
        code_hash="b",
        data_hash="c",
    )
    return new_studies(data).keep(study)
