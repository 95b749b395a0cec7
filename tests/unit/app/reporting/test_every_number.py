"""Every number of a report equals a query on its database: the test walks the whole document."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.report_days import KINDS

RULES = {"ma": 50, "rsi": 14, "volume": 20}
HISTORY = "FROM bars WHERE symbol = 'MTUM' AND session <= :day"
BEFORE = "FROM bars WHERE symbol = 'MTUM' AND session < :day"
POINT = "SELECT {} FROM equity WHERE session = :day"
PAID_IN = "kind IN ('capital', 'deposit', 'withdrawal')"
FLOWS = f"(SELECT coalesce(sum(amount_usd), 0) FROM cash_movements WHERE {PAID_IN} AND session = e.session)"
CHANGES = (
    "WITH change AS (SELECT e.session, "
    "e.{column} - iif(lag(e.session) OVER (ORDER BY e.session) IS NULL, 0, "
    + FLOWS
    + ") AS worth, coalesce(lag(e.{column}) OVER (ORDER BY e.session), "
    + FLOWS
    + ")"
    + " AS money FROM equity e WHERE e.session <= :day) "
)
SINCE = {
    "day": ":day",
    "week": "date(:day, '-6 days', 'weekday 1')",
    "month": "date(:day, 'start of month')",
    "year": "date(:day, 'start of year')",
    "start": "'0000-01-01'",
}
FALLS = (
    "growth AS (SELECT session, product(worth / money) OVER (ORDER BY session) AS grown FROM change), "
    "fall AS (SELECT session, grown / max(1.0, max(grown) OVER (ORDER BY session)) - 1 AS frac FROM growth) "
)
CONDITION = "SELECT {} FROM v_signals WHERE session = :day AND condition = :name"
FILL = "SELECT {} FROM fills f JOIN order_intents i ON i.id = f.intent_id WHERE f.exec_id = :exec_id"
SIGN = "(CASE f.side WHEN 'BUY' THEN 1 ELSE -1 END)"
CLOSE = "(SELECT close FROM equity WHERE session = f.session)"
ENTRY_FILLS = "FROM fills WHERE side = 'BUY' AND session = :entry_session"
HELD = "(SELECT sum(CASE side WHEN 'BUY' THEN shares ELSE -shares END) FROM fills WHERE session <= :day)"
BASIS = f"(SELECT sum(shares * price + commission_usd) / sum(shares) {ENTRY_FILLS})"
GAIN = f"{HELD} * ((SELECT close FROM equity WHERE session = :day) - {BASIS})"
ATR = "(SELECT json_extract(remembered, '$.MTUM.atr') FROM decisions WHERE session = :entry_session)"
DECIDED = "SELECT json_extract(document, '$.symbols.MTUM.indicators.{}') FROM decisions WHERE session = :day"
FRAME = "FROM input_frames f JOIN decisions d ON d.frame_hash = f.hash WHERE d.session = :day"
SEEN = "SELECT json_extract(f.frame, '$.provisional.MTUM.{}') " + FRAME

APPROVED = "SELECT json_extract(document, '{}') FROM approved_documents WHERE subject = 'backtest'"
LIVED = "(SELECT count(*) FROM equity WHERE session <= :day)"
HELD_FRAC = f"(SELECT 1.0 * sum(shares > 0) / {LIVED} FROM equity WHERE session <= :day)"
CLOSED = "(SELECT count(*) FROM v_trades WHERE exit_session <= :day)"
WON_FRAC = f"(SELECT 1.0 * sum(pnl_usd > 0) / {CLOSED} FROM v_trades WHERE exit_session <= :day)"

NOT_RUN = "4 * NOT EXISTS (SELECT 1 FROM runs WHERE session = :day AND job = 'decide_and_order')"
"""Exit code 4, "deadline missed", is what a session without a run means."""

QUERIES: dict[str, str] = {
    r"equity\.(equity_usd|cash_usd|receivable_usd|market_usd)": POINT,
    r"benchmark\.equity_usd": POINT.format("benchmark_usd"),
    r"benchmark\.ahead_usd": POINT.format("equity_usd - benchmark_usd"),
    r"equity\.paid_in_usd": f"SELECT sum(amount_usd) FROM cash_movements WHERE {PAID_IN}",
    r"pnl\.(day|week|month|year|start)_usd": CHANGES.format(column="equity_usd")
    + "SELECT sum(worth - money) FROM change WHERE session >= {since}",
    r"pnl\.(day|week|month|year|start)_frac": CHANGES.format(column="equity_usd")
    + "SELECT product(worth / money) - 1 FROM change WHERE session >= {since}",
    r"benchmark\.(day|week|month|year|start)_frac": CHANGES.format(column="benchmark_usd")
    + "SELECT product(worth / money) - 1 FROM change WHERE session >= {since}",
    r"equity\.drawdown_frac": CHANGES.format(column="equity_usd")
    + ", "
    + FALLS
    + "SELECT frac FROM fall WHERE session = :day",
    r"equity\.worst_drawdown_frac": CHANGES.format(column="equity_usd") + ", " + FALLS + "SELECT min(frac) FROM fall",
    r"benchmark\.drawdown_frac": CHANGES.format(column="benchmark_usd")
    + ", "
    + FALLS
    + "SELECT frac FROM fall WHERE session = :day",
    r"benchmark\.worst_drawdown_frac": CHANGES.format(column="benchmark_usd")
    + ", "
    + FALLS
    + "SELECT min(frac) FROM fall",
    r"pnl\.commission_usd": "SELECT coalesce(sum(commission_usd), 0) FROM fills WHERE session <= :day",
    r"pnl\.realized_usd": "SELECT coalesce(sum((CASE side WHEN 'SELL' THEN 1 ELSE -1 END) * shares * price"
    " - commission_usd), 0)"
    f" + coalesce({HELD} * {BASIS}, 0) FROM fills WHERE session <= :day",
    r"cash\.\d+\.amount_usd": "SELECT amount_usd FROM cash_movements WHERE session = :day AND kind = :kind",
    r"owed\.\d+\.amount_usd": "SELECT amount_usd FROM cash_movements WHERE NOT paid AND kind = :kind",
    r"backtest\.(sessions)": APPROVED.format("$.sessions"),
    r"backtest\.live_sessions": f"SELECT {LIVED}",
    r"conditions\.\d+\.(value|threshold|margin)": CONDITION,
    r"orders\.\d+\.shares": "SELECT shares FROM order_intents WHERE id = :id",
    r"orders\.\d+\.filled_shares": "SELECT filled FROM orders WHERE ref = :ref",
    r"orders\.\d+\.reference_price": "SELECT reference_price FROM order_intents WHERE id = :id",
    r"fills\.\d+\.shares": FILL.format("f.shares"),
    r"fills\.\d+\.fill_price": FILL.format("f.price"),
    r"fills\.\d+\.decision_price": FILL.format("i.reference_price"),
    r"fills\.\d+\.official_close": FILL.format(CLOSE),
    r"fills\.\d+\.wait_bps": FILL.format(f"{SIGN} * ({CLOSE} / i.reference_price - 1) * 10000"),
    r"fills\.\d+\.auction_bps": FILL.format(f"{SIGN} * (f.price / {CLOSE} - 1) * 10000"),
    r"fills\.\d+\.slippage_usd": FILL.format(f"{SIGN} * (f.price - i.reference_price) * f.shares"),
    r"fills\.\d+\.commission_usd": FILL.format("f.commission_usd"),
    r"fills\.\d+\.assumed_commission_usd": FILL.format("round(0.001 * f.shares * f.price, 2)"),
    r"position\.shares": f"SELECT {HELD}",
    r"position\.entry_price": f"SELECT sum(shares * price) / sum(shares) {ENTRY_FILLS}",
    r"position\.sessions_held": "SELECT count(DISTINCT session) FROM runs"
    " WHERE session > :entry_session AND session <= :day",
    r"position\.close_usd": POINT.format("close"),
    r"position\.market_usd": POINT.format("market_usd"),
    r"position\.unrealized_usd": f"SELECT {GAIN}",
    r"position\.unrealized_frac": f"SELECT {GAIN} / ({HELD} * {BASIS})",
    r"position\.atr_at_entry": f"SELECT {ATR}",
    r"position\.target_usd": f"SELECT sum(shares * price) / sum(shares) + 4 * {ATR} {ENTRY_FILLS}",
    r"data_quality\.bars_used": "SELECT json_array_length(f.frame, '$.bars.MTUM.days') " + FRAME,
    r"data_quality\.decision_close": DECIDED.format("close"),
    r"data_quality\.volume_so_far": SEEN.format("volume_so_far"),
    r"data_quality\.volume_share": SEEN.format("volume_share"),
    r"data_quality\.volume_projected": DECIDED.format("volume"),
    r"data_quality\.vix": DECIDED.format("vix"),
    r"data_quality\.final_volume": "SELECT volume FROM bars WHERE symbol = 'MTUM' AND session = :day",
    r"data_quality\.final_vix": "SELECT close FROM bars WHERE symbol = 'VIX' AND session = :day",
    r"data_quality\.projection_error_frac": "SELECT"
    " json_extract(d.document, '$.symbols.MTUM.indicators.volume') / b.volume - 1"
    " FROM decisions d JOIN bars b ON b.session = d.session AND b.symbol = 'MTUM' WHERE d.session = :day",
    r"data_quality\.projected_(low|high)": "SELECT {} FROM volume_snapshots WHERE session = :day",
    r"data_quality\.last_projection_error_frac": "SELECT error_frac FROM volume_snapshots"
    " WHERE session = (SELECT max(session) FROM volume_snapshots WHERE session < :day)",
    r"data_quality\.revisions": "SELECT count(*) FROM bar_revisions WHERE date(replaced_at) = :day",
    r"timings\.\d+\.to_close_minutes": "SELECT (julianday(:closes_at) - julianday(:at)) * 1440",
    r"problems\.\d+\.code": "SELECT coalesce(max(json_extract(one.value, '$.code')), " + NOT_RUN + ")"
    " FROM runs, json_each(document, '$.problems') one"
    " WHERE session = :day AND json_extract(one.value, '$.text') = :text",
    r"exit_code": "SELECT coalesce(max(exit_code), " + NOT_RUN + ")"
    " FROM runs WHERE session = :day AND job = 'decide_and_order'",
}

FLIP_LEVELS = {
    "close_above_ma": "SELECT avg(close) FROM (SELECT close {history} ORDER BY session DESC LIMIT 49)",
    "close_below_ma": "SELECT avg(close) FROM (SELECT close {history} ORDER BY session DESC LIMIT 49)",
    "volume_high": "SELECT avg(volume) FROM (SELECT volume {history} ORDER BY session DESC LIMIT 19)",
    "vix_calm": "SELECT 25",
    "vix_fear": "SELECT 30",
    "atr_target": f"SELECT sum(shares * price) / sum(shares) + 4 * {ATR} {ENTRY_FILLS}",
}
RSI_LEVEL = (
    "WITH last AS (SELECT session, close, close - lag(close) OVER (ORDER BY session) AS step FROM"
    " (SELECT session, close {history} ORDER BY session DESC LIMIT 14)),"
    " kept AS (SELECT sum(max(step, 0)) AS rise, -sum(min(step, 0)) AS fall,"
    " (SELECT close FROM last ORDER BY session DESC LIMIT 1) AS newest FROM last WHERE step IS NOT NULL)"
    " SELECT newest + CASE WHEN fall * {t} / (100.0 - {t}) >= rise THEN fall * {t} / (100.0 - {t}) - rise"
    " ELSE fall - rise * (100.0 - {t}) / {t} END FROM kept"
)
GROWTH = APPROVED.format("$.metrics.total_return_frac")
SPREAD = f"1.959963984540054 * sqrt({{whole}} * 1.0 / 252) * ({APPROVED.format('$.metrics.volatility_frac')})"
MEAN = f"ln(1 + ({GROWTH})) / ({APPROVED.format('$.sessions')}) * {LIVED}"
WON = f"({APPROVED.format('$.metrics.win_rate_frac')})"
WON_SPREAD = f"1.959963984540054 * sqrt({WON} * (1 - {WON}) / {CLOSED})"
EXPECTED = {
    ("return", "expected_frac"): f"SELECT exp({MEAN}) - 1",
    ("return", "low_frac"): f"SELECT exp({MEAN} - {SPREAD.format(whole=LIVED)}) - 1",
    ("return", "high_frac"): f"SELECT exp({MEAN} + {SPREAD.format(whole=LIVED)}) - 1",
    ("sessions held", "live_frac"): f"SELECT {HELD_FRAC}",
    ("sessions held", "expected_frac"): APPROVED.format("$.metrics.exposure_frac"),
    ("trades won", "live_frac"): f"SELECT {WON_FRAC}",
    ("trades won", "expected_frac"): f"SELECT {WON}",
    ("trades won", "low_frac"): f"SELECT max(0, {WON} - {WON_SPREAD})",
    ("trades won", "high_frac"): f"SELECT min(1, {WON} + {WON_SPREAD})",
    ("deepest fall", "expected_frac"): APPROVED.format("$.metrics.max_drawdown_frac"),
}
LIVE = {("return", "live_frac"): "pnl.start_frac", ("deepest fall", "live_frac"): "equity.worst_drawdown_frac"}
"""Figures that stand elsewhere in the report as well."""
CORRECTED = {
    "equity": "SELECT equity_usd FROM equity WHERE session = :session",
    "buy-and-hold equity": "SELECT benchmark_usd FROM equity WHERE session = :session",
    "volume": "SELECT volume FROM bars WHERE symbol = 'MTUM' AND session = :session",
    "VIX close": "SELECT close FROM bars WHERE symbol = 'VIX' AND session = :session",
    "filled": "SELECT filled FROM orders WHERE ref = substr(:subject, 9)",
    "price": "SELECT price FROM fills WHERE exec_id LIKE substr(:subject, 13) || '%'",
    "commission": "SELECT commission_usd FROM fills WHERE exec_id LIKE substr(:subject, 18) || '%'",
}
REPORTED = "(SELECT document FROM runs WHERE job = 'daily_report' AND session = :session)"
REPORTED_BEFORE = (
    f"SELECT json_extract(one.value, '$.filled_shares') FROM json_each({REPORTED}, '$.orders') one"
    " WHERE json_extract(one.value, '$.ref') = substr(:subject, 9)"
)
"""What was told before can be a number only of an order: the rest was unknown."""
FLIP_NOW = {
    ("session", "close"): DECIDED.format("close"),
    ("session", "volume"): DECIDED.format("volume"),
    ("session", "vix"): DECIDED.format("vix"),
    ("next", "close"): "SELECT close FROM bars WHERE symbol = 'MTUM' AND session = :day",
    ("next", "volume"): "SELECT volume FROM bars WHERE symbol = 'MTUM' AND session = :day",
    ("next", "vix"): "SELECT close FROM bars WHERE symbol = 'VIX' AND session = :day",
}


LATELY = "(SELECT session, condition, passed FROM v_signals WHERE session BETWEEN date(:day, '-9 days') AND :day)"
FINAL = """WITH stepped AS (
  SELECT session, close, volume, close - lag(close) OVER (ORDER BY session) AS step FROM bars WHERE symbol = 'MTUM'
), measured AS (
  SELECT session, close, volume,
    round(avg(close) OVER (ORDER BY session ROWS 49 PRECEDING), 6) AS ma,
    round(avg(volume) OVER (ORDER BY session ROWS 19 PRECEDING), 6) AS usual,
    sum(max(step, 0)) OVER (ORDER BY session ROWS 13 PRECEDING) AS rise,
    -sum(min(step, 0)) OVER (ORDER BY session ROWS 13 PRECEDING) AS fall,
    (SELECT close FROM bars v WHERE v.symbol = 'VIX' AND v.session = stepped.session) AS vix
  FROM stepped
), final AS (
  SELECT *, round(100 - 100 / (1 + rise / fall), 6) AS rsi FROM measured
), compared AS (
  SELECT condition, passed <> CASE condition
    WHEN 'close_above_ma' THEN close > ma WHEN 'close_below_ma' THEN close < ma
    WHEN 'vix_calm' THEN vix < 25 WHEN 'vix_fear' THEN vix > 30
    WHEN 'rsi_high' THEN rsi > 50 WHEN 'rsi_low' THEN rsi < 30
    WHEN 'volume_high' THEN volume > usual END AS turned
  FROM final JOIN LATELY USING (session) WHERE condition = :condition
)
SELECT WANTED FROM compared"""
REGRET = {
    "sessions": FINAL.replace("LATELY", LATELY).replace("WANTED", "count(turned)"),
    "turned": FINAL.replace("LATELY", LATELY).replace("WANTED", "coalesce(sum(turned), 0)"),
}


class Product:
    """The aggregate that SQLite lacks."""

    def __init__(self) -> None:
        self.found = 1.0

    def step(self, factor: float) -> None:
        self.found *= factor

    def inverse(self, factor: float) -> None:
        self.found /= factor

    def value(self) -> float:
        return self.found

    finalize = value


def numbers(
    part: object, path: str = "", around: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, float, Mapping[str, Any]]]:
    """Every number with its dotted path and the object it stands in."""
    if isinstance(part, Mapping):
        for name, inside in part.items():
            yield from numbers(inside, f"{path}.{name}".lstrip("."), part)
    elif isinstance(part, list):
        for index, inside in enumerate(part):
            yield from numbers(inside, f"{path}.{index}", around)
    elif isinstance(part, int | float) and not isinstance(part, bool):
        yield path, part, around or {}


def flip_query(path: str, around: Mapping[str, Any]) -> str | None:
    if not path.startswith("flips."):
        return None
    name, when = around["condition"], around["when"]
    history = BEFORE if when == "session" else HISTORY
    thresholds = {"rsi_high": "50.0", "rsi_low": "30.0"}
    template = RSI_LEVEL.replace("{t}", thresholds[name]) if name in thresholds else FLIP_LEVELS[name]
    level, now = template.replace("{history}", history), FLIP_NOW[(when, around["input"])]
    return {
        "level": level,
        "now": now,
        "distance": f"SELECT ({level}) - ({now})",
        "distance_frac": f"SELECT (({level}) - ({now})) / ({now})",
    }[path.rpartition(".")[2]]


def backtest_query(path: str, around: Mapping[str, Any]) -> str | None:
    if not path.startswith("backtest.lines."):
        return None
    key = around["figure"], path.rpartition(".")[2]
    return query_of(LIVE[key], {}) if key in LIVE else EXPECTED[key]


def regret_query(path: str, around: Mapping[str, Any]) -> str | None:
    return REGRET[path.rpartition(".")[2]] if path.startswith("regret.") else None


def correction_query(path: str, around: Mapping[str, Any]) -> str | None:
    if not path.startswith("corrections."):
        return None
    return REPORTED_BEFORE if path.endswith(".before") else CORRECTED[around["subject"].partition(",")[0]]


def query_of(path: str, around: Mapping[str, Any]) -> str:
    found = flip_query(path, around) or backtest_query(path, around)
    found = found or correction_query(path, around) or regret_query(path, around)
    if found is not None:
        return found
    for pattern, sql in QUERIES.items():
        if re.fullmatch(pattern, path):
            last = path.rpartition(".")[2]
            period = last.partition("_")[0]
            return sql.replace("{since}", SINCE.get(period, "")).replace("{}", last)
    raise AssertionError(f"no query is known for {path}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_the_document_is_a_query(tmp_path: Path, kind: str) -> None:
    history, day = KINDS[kind](tmp_path)
    stored = history.report(day).document
    connection = sqlite3.connect(tmp_path / "mtum.db")
    connection.create_window_function("product", 1, Product)
    position = stored["position"] or {}
    entered = connection.execute(
        "SELECT entry_session FROM v_positions UNION SELECT max(entry_session) FROM v_trades"
    ).fetchone()
    common = {
        "day": str(day),
        "entry_session": position.get("entry_session") or (entered or [None])[0],
        "closes_at": history.calendar.session(day).close.isoformat(),
    }
    compared = 0
    for path, number, around in numbers(stored):
        values = {**{name: given for name, given in around.items() if isinstance(given, str)}, **common}
        found = connection.execute(query_of(path, around), values).fetchone()[0]
        assert number == pytest.approx(found, rel=1e-9, abs=2e-3 if "minutes" in path else 1.1e-6), path
        compared += 1
    connection.close()
    assert compared >= 12
