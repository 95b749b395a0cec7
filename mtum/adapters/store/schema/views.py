"""The views for people: trades, days, conditions and positions, in plain SQL."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """One view: what a row is, what its columns mean, and the query."""

    name: str
    meaning: str
    columns: dict[str, str]
    query: str


# Agreed splits turn earlier fills into today's shares: `factor` is the product of all later ratios.
_TODAYS_FILLS = """
WITH RECURSIVE
splits AS (
  SELECT symbol, session, amount, row_number() OVER (PARTITION BY symbol ORDER BY session DESC) AS place
  FROM corporate_actions WHERE kind = 'split' AND source = 'agreed'
),
factors AS (
  SELECT symbol, session, place, amount AS factor FROM splits WHERE place = 1
  UNION ALL
  SELECT splits.symbol, splits.session, splits.place, factors.factor * splits.amount
  FROM factors JOIN splits ON splits.symbol = factors.symbol AND splits.place = factors.place + 1
),
rebased AS (
  SELECT fills.*, fills.shares * coalesce(
    (SELECT factor FROM factors WHERE factors.symbol = fills.symbol AND factors.session > fills.session
     ORDER BY factors.session LIMIT 1), 1) AS todays_shares
  FROM fills WHERE current = 1
),"""

_TRADES = (
    _TODAYS_FILLS
    + """
summed AS (
  SELECT *, CASE side WHEN 'BUY' THEN 1 ELSE -1 END AS way, sum(CASE side WHEN 'BUY' THEN 1 ELSE -1 END
    * todays_shares) OVER (PARTITION BY strategy, symbol ORDER BY session, instant, exec_id
    ROWS UNBOUNDED PRECEDING) AS total
  FROM rebased
),
-- A fraction of a share that a split left was paid in cash: whole shares are held.
running AS (
  SELECT *, CAST(total + CASE WHEN total < 0 THEN -1e-6 ELSE 1e-6 END AS INTEGER) AS held_after,
    CAST(todays_shares + 1e-6 AS INTEGER) AS whole
  FROM summed
),
parts AS (
  -- A fill that turns a position ends one trip with its first part and begins the next with the rest.
  SELECT *, 1 AS part, held_after * way > 0 AND held_after * way < whole AS turns FROM running
  UNION ALL
  SELECT *, 2, 1 FROM running WHERE held_after * way > 0 AND held_after * way < whole
),
counted AS (
  SELECT strategy, symbol, session, instant, exec_id, part, intent_id, way,
    CASE WHEN turns AND part = 1 THEN 0 ELSE held_after END AS held_after,
    CASE WHEN NOT turns THEN 1.0 WHEN part = 1 THEN 1 - held_after * way / todays_shares
      ELSE held_after * way / todays_shares END AS portion, todays_shares,
    shares * price * multiplier AS value_usd, multiplier, commission_usd
  FROM (SELECT strategy, symbol, session, instant, exec_id, part, intent_id, way, held_after, turns,
    1.0 * todays_shares AS todays_shares, shares, price, multiplier, commission_usd FROM parts)
),
numbered AS (
  SELECT *, coalesce(sum(held_after = 0) OVER (
    PARTITION BY strategy, symbol ORDER BY session, instant, exec_id, part
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS trip
  FROM counted
),
directed AS (
  SELECT *, first_value(way) OVER (PARTITION BY strategy, symbol, trip
    ORDER BY session, instant, exec_id, part) AS direction
  FROM numbered
),
leaving AS (
  SELECT *, CASE WHEN way <> direction THEN first_value(intent_id) OVER (PARTITION BY strategy, symbol, trip,
    way <> direction ORDER BY session, instant, exec_id, part) END AS exit_intent
  FROM directed
),
-- How many sessions with a bar there were up to each day of a fill, counted in one pass.
days AS MATERIALIZED (
  SELECT day, sum(has_bar) OVER (ORDER BY day ROWS UNBOUNDED PRECEDING) AS sessions
  FROM (SELECT session AS day, 1 AS has_bar FROM bars GROUP BY session
    UNION ALL SELECT DISTINCT session, 0 FROM fills WHERE session NOT IN (SELECT session FROM bars))
),
trips AS (
  SELECT strategy, symbol, trip, direction,
    min(session) AS entry_session,
    max(CASE WHEN held_after = 0 THEN session END) AS exit_session,
    sum(CASE WHEN way = direction THEN todays_shares * portion END) AS opened,
    sum(CASE WHEN way <> direction THEN todays_shares * portion END) AS closed,
    sum(CASE WHEN way = direction THEN value_usd * portion END) AS entered,
    sum(CASE WHEN way <> direction THEN value_usd * portion END) AS left_usd,
    CASE WHEN sum(commission_usd IS NULL) = 0 THEN sum(commission_usd * portion) END AS commission,
    max(multiplier) AS multiplier, max(exit_intent) AS exit_intent
  FROM leaving GROUP BY strategy, symbol, trip
),
-- What a split left over was paid in cash and its cost with it.
costed AS (SELECT *, entered * closed / opened AS cost_usd FROM trips)
SELECT trips.strategy, trips.symbol, entry_session, round(entered / opened / multiplier, 6) AS entry_price,
  exit_session, CASE WHEN exit_session IS NOT NULL THEN round(left_usd / closed / multiplier, 6) END AS exit_price,
  CAST(opened + 1e-6 AS INTEGER) * direction AS shares,
  CASE WHEN exit_session IS NOT NULL THEN round((left_usd - cost_usd) * direction - commission, 6) END AS pnl_usd,
  CASE WHEN exit_session IS NOT NULL THEN ((left_usd - cost_usd) * direction - commission) / cost_usd END
    AS return_frac,
  CASE WHEN exit_session IS NOT NULL THEN (
    SELECT value FROM json_each(order_intents.reasons) WHERE value <> 'exit_carried' ORDER BY key LIMIT 1
  ) END AS reason,
  left_on.sessions - entered_on.sessions AS sessions_held,
  round(commission, 6) AS commission_usd
FROM costed AS trips JOIN days AS entered_on ON entered_on.day = entry_session
LEFT JOIN days AS left_on ON left_on.day = exit_session
LEFT JOIN order_intents ON order_intents.id = trips.exit_intent
ORDER BY entry_session, trips.symbol, trips.trip"""
)


_DAILY = """
WITH filled AS MATERIALIZED (
  SELECT session, strategy, group_concat(side || ' ' || shares || ' ' || symbol || ' at ' || price, ', ') AS fills
  FROM fills WHERE current = 1 GROUP BY session, strategy
)
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
  filled.fills
FROM decisions LEFT JOIN equity ON equity.session = decisions.session AND equity.strategy = decisions.strategy
LEFT JOIN filled ON filled.session = decisions.session AND filled.strategy = decisions.strategy
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
    )
}
"""Every view by name."""
