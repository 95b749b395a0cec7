"""The views for people: trades, days, conditions and positions, in plain SQL."""

from mtum.adapters.store.schema.option_views import OPTION_VIEWS
from mtum.adapters.store.schema.view import View

_TRADES = """
WITH ends AS (
  SELECT entry_session AS day FROM trades UNION SELECT exit_session FROM trades WHERE exit_session IS NOT NULL
),
-- How many sessions with a bar there were up to each of these days, counted in one pass.
days AS MATERIALIZED (
  SELECT day, sum(has_bar) OVER (ORDER BY day ROWS UNBOUNDED PRECEDING) AS sessions
  FROM (SELECT session AS day, 1 AS has_bar FROM bars GROUP BY session
    UNION ALL SELECT day, 0 FROM ends WHERE day NOT IN (SELECT session FROM bars))
)
SELECT trades.strategy, trades.symbol, entry_session, entry_price, exit_session, exit_price, trades.shares, pnl_usd,
  return_frac, CASE WHEN exit_intent_id LIKE 'merged:%' THEN 'merged' ELSE (
    SELECT value FROM json_each(order_intents.reasons) WHERE value <> 'exit_carried' ORDER BY key LIMIT 1
  ) END AS reason,
  left_on.sessions - entered_on.sessions AS sessions_held, commission_usd
FROM trades JOIN days AS entered_on ON entered_on.day = entry_session
LEFT JOIN days AS left_on ON left_on.day = exit_session
LEFT JOIN order_intents ON order_intents.id = exit_intent_id
ORDER BY entry_session, trades.symbol, trades.strategy, trades.rowid"""

_DAILY = """
SELECT decisions.session, decisions.strategy, decisions.action,
  json_extract(decisions.reasons, '$[0]') AS reason,
  (SELECT group_concat(value, ', ') FROM json_each(decisions.reasons)) AS all_reasons,
  (SELECT iif(count(*) = 1, max(json_extract(value, '$.indicators.close')), NULL)
    FROM json_each(document, '$.symbols')) AS decision_price,
  iif((SELECT count(*) FROM json_each(document, '$.symbols')) > 1, NULL, equity.close) AS close,
  (SELECT json_group_object(key, json_extract(value, '$.indicators')) FROM json_each(document, '$.symbols'))
    AS indicators,
  equity.equity_usd, equity.benchmark_usd,
  (SELECT group_concat(side || ' ' || order_intents.shares || ' ' || symbol || ' ' || status, ', ')
   FROM order_intents JOIN orders ON orders.intent_id = order_intents.id AND orders.attempt = order_intents.attempt
   WHERE order_intents.account = decisions.account AND order_intents.session = decisions.session
     AND order_intents.strategy = decisions.strategy) AS orders,
  (SELECT group_concat(side || ' ' || shares || ' ' || symbol || ' at ' || price, ', ') FROM fills
   WHERE current = 1 AND fills.session = decisions.session AND fills.strategy = decisions.strategy) AS fills
FROM decisions LEFT JOIN equity ON equity.session = decisions.session AND equity.strategy = decisions.strategy
WHERE decisions.preview = 0
ORDER BY decisions.session, decisions.strategy"""

_SIGNALS = """
SELECT decisions.session, decisions.strategy, symbols.key AS symbol,
  conditions.key + 1 AS number,
  json_extract(conditions.value, '$.name') AS condition,
  json_extract(conditions.value, '$.value') AS value,
  json_extract(conditions.value, '$.threshold') AS threshold,
  json_extract(conditions.value, '$.margin') AS margin,
  json_extract(conditions.value, '$.passed') AS passed,
  decisions.action
FROM decisions
JOIN json_each(decisions.document, '$.symbols') AS symbols
JOIN json_each(symbols.value, '$.conditions') AS conditions
WHERE decisions.preview = 0
UNION ALL
SELECT decisions.session, decisions.strategy, NULL, conditions.key + 1,
  json_extract(conditions.value, '$.name'), json_extract(conditions.value, '$.value'),
  json_extract(conditions.value, '$.threshold'), json_extract(conditions.value, '$.margin'),
  json_extract(conditions.value, '$.passed'), decisions.action
FROM decisions JOIN json_each(decisions.document, '$.conditions') AS conditions
WHERE decisions.preview = 0 AND coalesce(json_extract(decisions.document, '$.symbols'), '{}') = '{}'
ORDER BY 1, 2, 3, 4"""

_POSITIONS = """
WITH held AS (
  SELECT strategy, symbol, sum(shares) AS shares, max(multiplier) AS multiplier,
    sum(shares * entry_price) AS paid,
    CASE WHEN max(EXISTS (SELECT 1 FROM fills WHERE fills.intent_id = lots.intent_id AND current = 1
      AND fills.commission_usd IS NULL)) = 0 THEN sum(cost_usd) END AS commission_usd, min(session) AS entry_session
  FROM lots GROUP BY strategy, symbol HAVING sum(shares) <> 0
),
-- Materialized: SQLite would else look for the newest session once for every bar of the symbol.
priced AS MATERIALIZED (
  SELECT held.*,
    (SELECT max(session) FROM bars WHERE bars.symbol = held.symbol) AS price_session
  FROM held
),
valued AS MATERIALIZED (
  SELECT priced.*, (SELECT close FROM bars WHERE bars.symbol = priced.symbol AND bars.session = priced.price_session
                    ORDER BY read_at DESC LIMIT 1) AS last_price
  FROM priced
)
SELECT strategy, symbol, shares, entry_session, paid / shares AS entry_price, commission_usd,
  price_session, last_price, shares * last_price * multiplier AS market_usd,
  round((shares * last_price - paid) * multiplier - commission_usd, 6) AS unrealized_usd
FROM valued ORDER BY strategy, symbol"""


VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View(
            "v_trades",
            "Round trips from the first entry fill to flat; exit columns are empty while open.",
            {
                "strategy": "strategy that traded",
                "symbol": "what was traded",
                "entry_session": "session of the first entry fill",
                "entry_price": "average entry price in USD, in today's shares",
                "exit_session": "session in which the last share was sold, or bought back",
                "exit_price": "average exit price in USD, in today's shares",
                "shares": "shares opened in all, in today's shares; negative for a short sale",
                "pnl_usd": "profit or loss after commissions in USD; empty while one is not known",
                "return_frac": "that over the value of the entry, as a fraction",
                "reason": "why it was closed, as its first exit order said; an exit carried over keeps that reason",
                "sessions_held": "sessions with a bar after the entry, up to the exit",
                "commission_usd": "commissions in USD; empty while one is not known",
            },
            _TRADES,
        ),
        View(
            "v_daily",
            "One row per decided session: what was seen, decided, ordered and filled, and what it is worth.",
            {
                "session": "session decided",
                "strategy": "strategy that decided",
                "action": "enter, exit, hold or none",
                "reason": "the deciding reason",
                "all_reasons": "every true reason, the deciding one first",
                "decision_price": "price in USD, as the decision saw it; empty where there are several symbols",
                "close": "official close in USD; empty where there are several symbols",
                "indicators": "JSON object: every value that the strategy recorded, by symbol",
                "equity_usd": "equity at the close in USD",
                "benchmark_usd": "buy-and-hold at the close in USD",
                "orders": "side, shares, symbol and status of each order",
                "fills": "side, shares, symbol and price of each fill",
            },
            _DAILY,
        ),
        View(
            "v_signals",
            "One row per decided session and condition.",
            {
                "session": "session decided",
                "strategy": "strategy that decided",
                "symbol": "symbol the condition is about",
                "number": "place in the strategy's list",
                "condition": "name of the condition",
                "value": "value measured; empty when unknown",
                "threshold": "value it was compared with",
                "margin": "distance from flipping, positive when it holds",
                "passed": "1 when it held",
                "action": "what the decision was",
            },
            _SIGNALS,
        ),
        View(
            "v_positions",
            "What each strategy holds, at the newest close stored.",
            {
                "strategy": "strategy that holds it",
                "symbol": "what is held",
                "shares": "shares held, negative when short",
                "entry_session": "session of the first entry fill",
                "entry_price": "average purchase price in USD, commission apart",
                "commission_usd": "commission of these shares in USD; empty while not known",
                "price_session": "session of the price",
                "last_price": "newest stored close in USD",
                "market_usd": "worth at that price in USD",
                "unrealized_usd": "profit or loss so far, purchase commission included, in USD; empty while not known",
            },
            _POSITIONS,
        ),
        *OPTION_VIEWS,
    )
}
"""Every view by name."""
