"""The views of options for people: open structures, and what ended."""

from mtum.adapters.store.schema.view import View

_WORDS = (
    "option_contracts.trading_class || ' ' || option_contracts.expiry || ' ' || "
    "printf('%g', option_contracts.strike) || iif(option_contracts.right = 'C', ' call', ' put')"
)

_GROUPS = f"""
WITH marked AS (
  SELECT con_id, price, max(session) AS session FROM option_marks GROUP BY con_id
)
SELECT option_lots.strategy, option_lots.structure, option_contracts.underlying,
  group_concat(option_lots.quantity || ' ' || {_WORDS}, ', ') AS legs,
  min(option_lots.opened) AS opened, min(option_contracts.expiry) AS expiry,
  max(option_lots.broken) AS broken,
  round(-sum(option_lots.quantity * option_lots.premium * option_contracts.multiplier), 6) AS credit_usd,
  iif(count(*) = count(option_lots.fees_usd), round(sum(option_lots.fees_usd), 6), NULL) AS fees_usd,
  iif(count(*) = count(marked.price),
    round(sum(option_lots.quantity * marked.price * option_contracts.multiplier), 6), NULL) AS market_usd,
  iif(count(*) = count(marked.price + option_lots.fees_usd), round(sum(
    option_lots.quantity * (marked.price - option_lots.premium) * option_contracts.multiplier - option_lots.fees_usd
  ), 6), NULL) AS unrealized_usd,
  min(marked.session) AS marked
FROM (SELECT * FROM option_lots ORDER BY number) AS option_lots
JOIN option_contracts ON option_contracts.con_id = option_lots.con_id
LEFT JOIN marked ON marked.con_id = option_lots.con_id
GROUP BY option_lots.strategy, option_lots.structure, option_contracts.underlying
ORDER BY option_lots.strategy, min(option_lots.number)"""

_TRADES = f"""
SELECT option_ends.strategy, option_ends.structure, option_contracts.underlying, {_WORDS} AS contract,
  option_ends.quantity, option_ends.opened, option_ends.premium AS open_price, option_ends.ended,
  option_ends.price AS end_price, option_ends.kind,
  round(option_ends.fees_usd + option_ends.end_fee_usd, 6) AS fees_usd, option_ends.pnl_usd
FROM option_ends JOIN option_contracts ON option_contracts.con_id = option_ends.con_id
ORDER BY option_ends.number"""

ORDERS = f"""(
SELECT i.id, o.ref, i.session, i.strategy, i.account, i.underlying, i.purpose, i.structure, (
    SELECT group_concat(side || ' ' || ratio || ' ' || words, ', ') FROM (
      SELECT option_legs.side, option_legs.ratio, {_WORDS} AS words FROM option_legs
      JOIN option_contracts ON option_contracts.con_id = option_legs.con_id
      WHERE option_legs.intent_id = i.id ORDER BY option_legs.number)) AS legs,
  coalesce(o.quantity, i.quantity) AS quantity, coalesce(o.filled, 0) AS filled, o.price,
  coalesce(o.status, i.status) AS status, i.reasons, o.broker_id, o.code, coalesce(o.text, '') AS text,
  o.number AS attempt, i.planned_at, o.submitted_at, coalesce(o.updated_at, i.planned_at) AS updated_at
FROM option_intents AS i LEFT JOIN option_attempts AS o ON o.intent_id = i.id)"""
"""Orders in options, a row for each attempt, as a table to select from."""

FILLS = f"""(
SELECT option_fills.*, option_contracts.underlying, {_WORDS} AS contract
FROM option_fills JOIN option_contracts ON option_contracts.con_id = option_fills.con_id WHERE current = 1)"""
"""Executions in options that count, as a table to select from."""

CONDITIONS = """(
SELECT decisions.session, decisions.strategy, json_extract(verdicts.value, '$.underlying') AS underlying,
  json_extract(verdicts.value, '$.group') AS structure, conditions.key + 1 AS number,
  json_extract(conditions.value, '$.name') AS condition, json_extract(conditions.value, '$.value') AS value,
  json_extract(conditions.value, '$.threshold') AS threshold, json_extract(conditions.value, '$.passed') AS passed
FROM decisions JOIN json_each(decisions.document, '$.options.verdicts') AS verdicts
JOIN json_each(verdicts.value, '$.conditions') AS conditions
WHERE decisions.preview = 0)"""
"""What options were judged by in each session, as a table to select from."""

OPTION_VIEWS = (
    View(
        "v_option_groups",
        "Open structures of options, one row each, at the newest marks stored.",
        {
            "strategy": "strategy that holds it",
            "structure": "what ties its legs together",
            "underlying": "ticker of the share, fund or index",
            "legs": "contracts with their number, negative for those sold",
            "opened": "session of the first lot that is open",
            "expiry": "last trading day of the leg that ends first",
            "broken": "1 where a leg was assigned",
            "credit_usd": "premium received less premium paid for these contracts in USD",
            "fees_usd": "commission and fees of opening them in USD; empty while not known",
            "market_usd": "worth at the marks in USD, negative for what is sold; empty without a mark of each leg",
            "unrealized_usd": "profit or loss so far, opening fees included, in USD; empty without both of each leg",
            "marked": "session of the oldest mark used",
        },
        _GROUPS,
    ),
    View(
        "v_option_trades",
        "Option contracts that ended, by a trade or without one, in the order in which they did.",
        {
            "strategy": "strategy that held them",
            "structure": "what tied its legs together",
            "underlying": "ticker of the share, fund or index",
            "contract": "class, last trading day, strike and right",
            "quantity": "contracts, negative for those sold",
            "opened": "session that opened them",
            "open_price": "premium in USD per share, without sign",
            "ended": "session of the trade, or day on which they ended",
            "end_price": "USD per share at which they ended; 0 where shares changed hands at the strike",
            "kind": "traded, assigned, exercised, expired, cash_settled or stated",
            "fees_usd": "commission and fees of both ends in USD; empty while not known",
            "pnl_usd": "profit or loss after fees in USD, of an assigned option the premium; empty while not known",
        },
        _TRADES,
    ),
)
