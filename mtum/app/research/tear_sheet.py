"""What a backtest leaves in a folder: its tear sheet, and the same figures as JSON and CSV."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from math import isfinite
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict

from mtum.app.research.run_backtest import Backtested
from mtum.core import canonical
from mtum.core.market.bars import Column
from mtum.core.market.instruments import unit_usd
from mtum.core.reporting.backtest.tear_sheet import Sheet
from mtum.core.research.attribution import PairRow, SleeveRow, SymbolRow, held_shares
from mtum.core.research.metrics import traded_usd
from mtum.core.research.periods import YearRow
from mtum.core.research.sheet import sheet_figures
from mtum.core.simulation.played import PlayedAccount


def sheet_of(found: Backtested, document: Mapping[str, Any]) -> Sheet:
    """Return what the tear sheet shows.

    Parameters
    ----------
    document : mapping
        The result as `mtum backtest --json` gives it.
    """
    benchmark, account = found.held.reinvested, account_of(found)
    return Sheet(document, account, benchmark, sheet_figures(account, benchmark))


def account_of(found: Backtested) -> PlayedAccount:
    """Return the account; a strategy that was played alone as one without sleeves."""
    if found.account is not None:
        return found.account
    rows = range(*found.span)
    prices = {
        symbol: unit_usd(symbol, 1.0) * np.array([found.market.close(symbol, t) for t in rows], dtype=np.float64)
        for symbol in found.symbols
    }
    return PlayedAccount(found.played, {}, held_shares(found.played, found.symbols, found.asked.holdings), prices)


def sheet_files(sheet: Sheet) -> dict[str, bytes]:
    """Return the figures of a tear sheet as JSON, and as CSV by session, order, trade, symbol and sleeve; by name."""
    figures, document = sheet.figures, sheet.document
    lists = {
        "years.csv": _csv(_names(YearRow), map(_values, figures.years)),
        "symbols.csv": _csv(_names(SymbolRow), map(_values, figures.symbols)),
        "orders.csv": _listed(document["orders"]),
        "trades.csv": _listed(document["trades"]),
        "weights.csv": _weights(sheet),
    }
    if figures.sleeves:
        lists["sleeves.csv"] = _csv(_names(SleeveRow), map(_values, figures.sleeves))
        lists["sleeve-symbols.csv"] = _csv(_names(PairRow), map(_values, figures.pairs))
    columns = by_session(sheet)
    lists["sessions.csv"] = _csv(list(columns), zip(*columns.values(), strict=True))
    told = canonical.plain(tear_sheet_document(sheet, columns), _scalar)
    whole = canonical.plain({**document, "tear_sheet": told}, _known)
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return {"tear-sheet.json": text.encode(), **{name: text.encode() for name, text in sorted(lists.items())}}


def tear_sheet_document(sheet: Sheet, columns: Mapping[str, Sequence[object]]) -> dict[str, Any]:
    """Return the figures as plain values.

    Parameters
    ----------
    columns : mapping of str to sequence
        What `by_session` returns.
    """
    figures = sheet.figures
    months = zip(figures.months.items(), figures.benchmark_months.values(), strict=True)
    return {
        "months": [
            {"month": f"{month:%Y-%m}", "return_frac": own, "benchmark_frac": held} for (month, own), held in months
        ],
        "years": [asdict(row) for row in figures.years],
        "worst_periods": [
            {**{name: one for name, one in asdict(row).items() if name != "fall"}, **asdict(row.fall)}
            for row in figures.worst
        ],
        "returns": asdict(figures.shape),
        "benchmark_returns": asdict(figures.benchmark_shape),
        "symbols": [asdict(row) for row in figures.symbols],
        "sleeves": [asdict(row) for row in figures.sleeves],
        "sleeve_symbols": [asdict(row) for row in figures.pairs],
        "correlations": figures.correlations,
        "sessions": columns,
    }


def by_session(sheet: Sheet) -> dict[str, Sequence[object]]:
    """Return columns by name with a value per session: equity, falls, exposure, rolling figures, and every sleeve."""
    account, figures = sheet.account, sheet.figures
    found: dict[str, Column] = {
        "equity_usd": account.total.equity,
        "benchmark_usd": sheet.benchmark,
        "drawdown_frac": figures.drawdown,
        "benchmark_drawdown_frac": figures.benchmark_drawdown,
        "invested_frac": sum(figures.weights.values(), np.zeros(len(account.total.days))),
        "fund_frac": figures.fund,
        "traded_usd": traded_usd(account.total),
    }
    found |= {f"{_OVER[name]}_{name}": line for name, line in figures.rolling.items()}
    for name, sleeve in account.sleeves.items() if figures.sleeves else ():
        found |= {f"{name}_usd": sleeve.played.equity, f"{name}_flow_usd": sleeve.flows}
        found |= {f"{name}_earned_usd": figures.earned[name]}
    days = account.total.days.astype("datetime64[D]").astype(str).tolist()
    return {"session": days, **{name: [_scalar(one) for one in line.tolist()] for name, line in found.items()}}


_OVER = {"return_frac": "year", "volatility_frac": "half_year", "sharpe": "year", "beta": "year"}
"""Over what a rolling figure is."""


def _weights(sheet: Sheet) -> str:
    # Only what is held: an account of hundreds of symbols holds few of them at a time.
    account, days = sheet.account, sheet.account.total.days.astype("datetime64[D]").astype(str)
    held = []
    for symbol, shares in account.shares.items():
        at = np.flatnonzero(shares)
        price = account.prices[symbol][at]
        columns = (days[at], shares[at].astype(int), price, shares[at] * price / account.total.equity[at])
        held += [(day, symbol, *one) for day, *one in zip(*(column.tolist() for column in columns), strict=True)]
    held.sort(key=lambda one: (one[0], one[1]))
    return _csv(("session", "symbol", "shares", "price_usd", "weight_frac"), held)


def _listed(rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(rows[0]) if rows else ["session"]
    return _csv(names, ([_joined(row[name]) for name in names] for row in rows))


def _joined(cell: object) -> object:
    return "; ".join(map(str, cell)) if isinstance(cell, list) else cell


def _names(kind: type[Struct]) -> list[str]:
    return list(kind.__struct_fields__)


def _values(row: Any) -> list[object]:
    return [getattr(row, name) for name in _names(type(row))]


def _csv(names: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_scalar(cell) for cell in row] for row in rows)
    return file.getvalue()


def _known(value: object) -> object:
    return None if isinstance(value, float) and not isfinite(value) else canonical.exact(value)


def _scalar(value: object) -> object:
    known = _known(value)
    return round(float(known), 6) if isinstance(known, float) else known
