"""Questions a person asks the database, as they are typed into the sqlite3 shell or datasette."""

from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.description import Role

_ENTRY = ", ".join(
    f"'{spec.name}'" for strategy in STRATEGIES.values() for spec in strategy.CONDITIONS if spec.role is Role.ENTRY
)

QUESTIONS: dict[str, str] = {
    "What was each trade worth, and why was it closed?": (
        "SELECT entry_session, exit_session, shares, round(pnl_usd, 2) AS pnl_usd, reason FROM v_trades "
        "ORDER BY entry_session"
    ),
    "Which exit reasons earned and which cost money?": (
        "SELECT reason, count(*) AS trades, sum(pnl_usd > 0) AS won, round(sum(pnl_usd), 2) AS pnl_usd "
        "FROM v_trades WHERE exit_session IS NOT NULL GROUP BY reason ORDER BY pnl_usd"
    ),
    "How is the sleeve doing against simply holding, month by month?": (
        "SELECT strftime('%Y-%m', session) AS month, max(session) AS last, round(equity_usd, 2) AS equity_usd, "
        "round(benchmark_usd, 2) AS holding_usd, round(equity_usd - benchmark_usd, 2) AS ahead_usd "
        "FROM equity GROUP BY month ORDER BY month"
    ),
    "What is held now, and what is it worth?": (
        "SELECT symbol, shares, entry_session, entry_price, last_price, round(unrealized_usd, 2) AS unrealized_usd "
        "FROM v_positions"
    ),
    "Which condition most often stood alone in the way of an entry?": (
        "WITH entry AS (SELECT * FROM v_signals WHERE passed = 0 AND "
        f"condition IN ({_ENTRY})), alone AS (SELECT session, "
        "min(condition) AS condition FROM entry GROUP BY session, strategy HAVING count(*) = 1) "
        "SELECT condition, count(*) AS sessions FROM alone GROUP BY condition ORDER BY sessions DESC"
    ),
    "What did trading cost?": (
        "SELECT strftime('%Y', session) AS year, count(*) AS fills, sum(commission_usd IS NULL) AS unknown, "
        "round(sum(commission_usd), 2) AS commission_usd, round(10000 * sum(commission_usd) / sum(iif(commission_usd "
        "IS NULL, 0, shares * price * multiplier)), 1) AS bps FROM fills WHERE current = 1 GROUP BY year"
    ),
    "How far was each fill from the price of the decision?": (
        "SELECT f.session, f.side, f.shares, i.reference_price, f.price, round((CASE f.side WHEN 'BUY' THEN 1 ELSE -1 "
        "END) * (f.price / i.reference_price - 1) * 10000, 1) AS cost_bps FROM fills f "
        "JOIN order_intents i ON i.id = f.intent_id WHERE f.current = 1 ORDER BY f.session"
    ),
    "Which sessions did not go as planned?": (
        "SELECT session, job, outcome, exit_code, json_extract(document, '$.problems[0].text') AS problem FROM runs "
        "WHERE coalesce(outcome, '') NOT IN ('finished', 'skipped', 'superseded') OR exit_code <> 0 ORDER BY session"
    ),
    "What were the worst sessions?": (
        "SELECT session, round(change_usd, 2) AS change_usd FROM (SELECT session, equity_usd - flows_usd - "
        "lag(equity_usd) OVER (PARTITION BY strategy ORDER BY session) AS change_usd FROM equity) "
        "WHERE change_usd IS NOT NULL ORDER BY change_usd LIMIT 5"
    ),
    "What money came in or went out, trades apart?": (
        "SELECT session, kind, round(amount_usd, 2) AS amount_usd, paid, note FROM cash_movements "
        "WHERE kind NOT IN ('buy', 'sell', 'commission') ORDER BY session"
    ),
}
"""Question -> SQL; each runs on an empty database too, and the reference lists them."""
