"""`mtum show`: what the database holds, as lists."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import typer

from mtum.cli.arguments import Limit, Since, SleeveName, sleeve_of
from mtum.cli.context import CommandCall, call_of
from mtum.cli.output import Answer, AnswerProblem, Listing
from mtum.cli.stored import NOTHING_YET, stand_in, untold_commissions
from mtum.core.market.calendars import NEW_YORK
from mtum.errors import ExitCode

app = typer.Typer(help="List trades, orders, fills, options, bars, equity, runs, notes and more.")

_COLUMNS: dict[str, dict[str, str]] = {
    "trades": {
        "symbol": "symbol",
        "entry_session": "in",
        "entry_price": "at USD",
        "exit_session": "out",
        "exit_price": "at USD",
        "shares": "shares",
        "pnl_usd": "P&L USD",
        "return_frac": "return",
        "reason": "reason",
        "sessions_held": "sessions",
    },
    "orders": {
        "session": "session",
        "symbol": "symbol",
        "side": "side",
        "type": "type",
        "shares": "shares",
        "filled": "filled",
        "status": "status",
        "reasons": "reasons",
        "ref": "reference",
    },
    "fills": {
        "session": "session",
        "symbol": "symbol",
        "side": "side",
        "shares": "shares",
        "price": "price USD",
        "commission_usd": "commission USD",
        "instant": "New York (UTC)",
    },
    "decisions": {
        "session": "session",
        "action": "action",
        "all_reasons": "reasons",
        "decision_price": "price USD",
        "indicators": "",
        "orders": "orders",
        "fills": "fills",
        "equity_usd": "equity USD",
    },
    "bars": {
        "symbol": "symbol",
        "source": "source",
        "session": "session",
        "open": "open USD",
        "high": "high USD",
        "low": "low USD",
        "close": "close USD",
        "volume": "volume",
        "final": "final",
    },
    "equity": {
        "session": "session",
        "strategy": "strategy",
        "equity_usd": "equity USD",
        "cash_usd": "cash USD",
        "market_usd": "at market USD",
        "benchmark_usd": "buy and hold USD",
        "shares": "shares",
        "close": "close USD",
    },
    "movements": {
        "session": "session",
        "kind": "kind",
        "amount_usd": "USD",
        "symbol": "symbol",
        "paid": "paid",
        "note": "why",
    },
    "runs": {
        "id": "run",
        "job": "job",
        "slot": "slot",
        "session": "session",
        "started_at": "started, New York (UTC)",
        "outcome": "outcome",
        "exit_code": "exit code",
    },
    "option_orders": {
        "session": "session",
        "structure": "group",
        "purpose": "purpose",
        "legs": "legs",
        "quantity": "units",
        "filled": "filled",
        "price": "net USD",
        "status": "status",
        "reasons": "reasons",
        "ref": "reference",
    },
    "option_fills": {
        "session": "session",
        "structure": "group",
        "contract": "contract",
        "quantity": "contracts",
        "price": "price USD",
        "fee_usd": "fees USD",
        "intent_id": "order",
    },
    "option_trades": {
        "structure": "group",
        "contract": "contract",
        "quantity": "contracts",
        "opened": "in",
        "open_price": "at USD",
        "ended": "out",
        "end_price": "at USD",
        "kind": "how",
        "fees_usd": "fees USD",
        "pnl_usd": "P&L USD",
    },
    "notes": {"session": "session", "symbol": "symbol", "words": "note", "at": "written, New York (UTC)"},
    "backtests": {
        "id": "no.",
        "made_at": "made, New York (UTC)",
        "kind": "kind",
        "strategy": "strategy",
        "symbols": "symbols",
        "start": "from",
        "end": "to",
        "final_equity_usd": "final USD",
        "cagr_frac": "a year",
        "sharpe": "Sharpe",
        "max_drawdown_frac": "max drawdown",
        "command": "command",
    },
}
"""Kind -> column of the reader and its heading; the JSON document has every column. Indicators are one each."""
_WITHOUT = {
    "trades": "the P&L of their trades is not known",
    "fills": "it is left empty",
    "equity": "equity is still without it",
    "option_fills": "it is left empty",
    "option_trades": "the P&L of their contracts is not known",
}
"""Kind -> what a commission that is not known does to the list."""


@app.command()
def trades(context: typer.Context, since: Since = None, limit: Limit = None, sleeve: SleeveName = None) -> Answer:
    """Round trips; an open one has no exit."""
    return _list(context, "trades", since, limit, sleeve)


@app.command()
def orders(context: typer.Context, since: Since = None, limit: Limit = None, sleeve: SleeveName = None) -> Answer:
    """Orders with what became of them."""
    return _list(context, "orders", since, limit, sleeve)


@app.command()
def fills(context: typer.Context, since: Since = None, limit: Limit = None, sleeve: SleeveName = None) -> Answer:
    """Executions that count."""
    return _list(context, "fills", since, limit, sleeve)


@app.command()
def option_orders(
    context: typer.Context, since: Since = None, limit: Limit = None, sleeve: SleeveName = None
) -> Answer:
    """Orders in options, each offer with its net price per share."""
    return _list(context, "option_orders", since, limit, sleeve)


@app.command()
def option_fills(context: typer.Context, since: Since = None, limit: Limit = None, sleeve: SleeveName = None) -> Answer:
    """Executions in options that count, leg by leg."""
    return _list(context, "option_fills", since, limit, sleeve)


@app.command()
def option_trades(
    context: typer.Context, since: Since = None, limit: Limit = None, sleeve: SleeveName = None
) -> Answer:
    """Option contracts that ended, and how."""
    return _list(context, "option_trades", since, limit, sleeve)


@app.command()
def decisions(context: typer.Context, since: Since = None, limit: Limit = None, sleeve: SleeveName = None) -> Answer:
    """Final decisions, one line each."""
    return _list(context, "decisions", since, limit, sleeve)


@app.command()
def bars(context: typer.Context, since: Since = None, limit: Limit = None) -> Answer:
    """Daily bars of the cache."""
    return _list(context, "bars", since, limit)


@app.command()
def equity(context: typer.Context, since: Since = None, limit: Limit = None, sleeve: SleeveName = None) -> Answer:
    """Equity at each close, buy-and-hold beside it."""
    return _list(context, "equity", since, limit, sleeve)


@app.command()
def movements(context: typer.Context, since: Since = None, limit: Limit = None, sleeve: SleeveName = None) -> Answer:
    """Every change of cash: trades, dividends, deposits, and what went from sleeve to sleeve."""
    return _list(context, "movements", since, limit, sleeve)


@app.command()
def runs(context: typer.Context, since: Since = None, limit: Limit = None) -> Answer:
    """Jobs with how they ended."""
    return _list(context, "runs", since, limit)


@app.command()
def notes(context: typer.Context, since: Since = None, limit: Limit = None) -> Answer:
    """What you wrote down with `mtum note`."""
    return _list(context, "notes", since, limit)


@app.command()
def backtests(context: typer.Context, since: Since = None, limit: Limit = None) -> Answer:
    """Backtests, sweeps and walk forwards, with what was typed."""
    from mtum.ports.research import WHOLE, Study
    from mtum.wiring.studies import studies_in

    store = studies_in(call_of(context).data_folder())
    rows = store.listed(since, limit) if store else ()
    told = dict.fromkeys(("id", *(name for name in Study.__struct_fields__ if name not in WHOLE)))
    document = {"backtests": [{name: getattr(row, name) for name in told} for row in rows], "count": len(rows)}
    if not rows:
        after = f" since {since}" if since and store else ""
        return Answer(document, [f"no backtest is kept{after}; `mtum backtest`, `sweep` and `walkforward` keep theirs"])
    return Answer(document, [_listing(_COLUMNS["backtests"], rows)])


def _list(
    context: typer.Context, kind: str, since: date | None, limit: int | None, sleeve: str | None = None
) -> Answer:
    from mtum.app.queries.listing import listed, with_option_orders
    from mtum.wiring.resources import opened_reader

    call = call_of(context)
    with opened_reader(call.settings(), call.database()) as reader:
        whose = sleeve_of(call.settings(), sleeve)
        found = listed(reader, call.settings().market.source, kind, since, limit, whose)
        rows, virtual, document = found.rows, found.virtual, found.document
        if reader and kind == "decisions" and call.settings().trades_options:
            rows = with_option_orders(reader, rows)
    if reader is None:
        return Answer(document, [NOTHING_YET])
    problems = [AnswerProblem(ExitCode.PERSON, found.changed)] if found.changed else []
    code = ExitCode.PERSON if found.changed else ExitCode.DONE
    if not rows and not virtual:
        none = f"no {kind.replace('_', ' ')}" + (f" since {since}" if since else "")
        return Answer(document, [none, *_beside(call, kind)], code, problems)
    # Whose a row is needs a column only where they are not all one's.
    owners = {getattr(row, "strategy", None) for row in rows}
    listings: list[str | Listing] = (
        [_listing(({"strategy": "sleeve"} if len(owners) > 1 else {}) | _COLUMNS[kind], rows)] if rows else []
    )
    if virtual:
        told = Listing(["session", "strategy", "equity USD"], [[r.session, r.strategy, r.equity_usd] for r in virtual])
        listings += ["VIRTUAL, at each decision of a sleeve that was watched:", told]
    without = untold_commissions(found.untold, _WITHOUT.get(kind, ""))
    return Answer(document, [*listings, *without, *_beside(call, kind), *stand_in(call)], code, problems)


def _beside(call: CommandCall, kind: str) -> list[str]:
    # Shares alone stand in these lists: whoever trades options must not take them for all there is.
    told = kind in ("trades", "orders", "fills") and call.settings().trades_options
    return [f"{kind.capitalize()} in options: mtum show option-{kind}"] if told else []


def _listing(columns: Mapping[str, str], rows: Sequence[Any]) -> Listing:
    # Decisions bring the indicators of whatever strategy made them; its bars have a list of their own.
    by_symbol: list[Mapping[str, Mapping[str, Any]]] = [getattr(row, "indicators", {}) for row in rows]
    told = dict.fromkeys((symbol, name) for row in by_symbol for symbol, known in row.items() for name in known)
    seen = [(symbol, name) for symbol, name in told if name not in ("close", "volume")]
    several = len({symbol for symbol, _ in seen}) > 1
    headings = [f"{symbol if several else ''} {name.replace('_', ' ')}".strip() for symbol, name in seen]
    cells = [
        {name: [_cell(name, _told(row, name))] for name in columns}
        | {"indicators": [known.get(symbol, {}).get(name) for symbol, name in seen]}
        for row, known in zip(rows, by_symbol, strict=True)
    ]
    titles = {name: [text] for name, text in columns.items()} | {"indicators": headings}
    return Listing(
        [title for name in columns for title in titles[name]],
        [[value for name in columns for value in row[name]] for row in cells],
    )


def _told(row: Any, name: str) -> Any:
    value = getattr(row, name)
    ended = getattr(row, "exit_session", True) is not None
    waits = value is None and (name in ("commission_usd", "fee_usd", "fees_usd") or (name == "pnl_usd" and ended))
    return "not known yet" if waits else value


def _cell(name: str, value: object) -> object:
    if value is None:
        return None
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if name in ("return_frac", "cagr_frac", "max_drawdown_frac") and isinstance(value, float):
        return f"{value:+.2%}"
    if isinstance(value, float) and (name.endswith("_usd") or name == "sharpe"):
        return f"{value:,.2f}"
    if name in ("started_at", "instant", "made_at", "at"):
        at = datetime.fromisoformat(str(value))
        return f"{at.astimezone(NEW_YORK):%Y-%m-%d %H:%M} ({at.astimezone(UTC):%H:%M})"
    return bool(value) if name in ("final", "paid") else value
