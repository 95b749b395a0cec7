"""The tables of instruments, order intents with their legs and attempts, and executions."""

from mtum.adapters.store.schema.documented import table

ORDERS = (
    table(
        "instruments",
        "What was ever to be traded, and what one of it is.",
        """
        id | TEXT PRIMARY KEY | the ticker; of an option root, last trading date, right and strike
        kind | TEXT NOT NULL | stock (funds too), index, option or other
        symbol | TEXT NOT NULL | ticker, of an option that of its underlying
        currency | TEXT NOT NULL | currency of its price
        multiplier | INTEGER NOT NULL CHECK (multiplier > 0) | shares per contract, 1 for shares
        tick | REAL NOT NULL | smallest step of its price
        expiry | TEXT | last trading date of an option
        strike | REAL | its strike in USD per share
        right | TEXT | C for a call, P for a put
        """,
    ),
    table(
        "order_intents",
        "What the program wanted to trade, committed before anything was sent.",
        """
        id | TEXT PRIMARY KEY | made from account, session, strategy, symbol and purpose
        account | TEXT NOT NULL | account to trade in
        session | TEXT NOT NULL | session to trade in
        strategy | TEXT NOT NULL | strategy that wants it
        symbol | TEXT NOT NULL | id of the instrument: the ticker for shares; of several legs these, written out
        purpose | TEXT NOT NULL | enter, increase, reduce, exit, fallback, cover; stated_, crossed_, delivered_…: none
        side | TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')) | BUY or SELL
        order_type | TEXT NOT NULL | MOC, MKT, LMT or LOC
        shares | INTEGER NOT NULL CHECK (shares > 0) | whole shares wanted
        reference_price | REAL NOT NULL | price in USD the decision saw
        reasons | TEXT NOT NULL | JSON list of reason words, the deciding one first
        attempt | INTEGER NOT NULL DEFAULT 1 | present attempt; a further one needs a person's word
        planned_at | TEXT NOT NULL | instant it was recorded
        decision_id | INTEGER REFERENCES decisions (id) | decision behind it; empty for a fallback or a flatten
        """,
        "UNIQUE (account, session, strategy, symbol, purpose)",
        "CREATE INDEX order_intents_by_session ON order_intents (session)",
        "CREATE INDEX order_intents_by_decision ON order_intents (decision_id)",
    ),
    table(
        "order_legs",
        "What an intent trades: one row for shares, one per instrument of a combination.",
        """
        intent_id | TEXT NOT NULL REFERENCES order_intents (id) | intent it belongs to
        number | INTEGER NOT NULL | place in the combination, from 1
        instrument | TEXT NOT NULL REFERENCES instruments (id) | what is traded
        side | TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')) | BUY or SELL
        ratio | INTEGER NOT NULL CHECK (ratio > 0) | how many of it each of the intent's shares stands for
        """,
        "PRIMARY KEY (intent_id, number)",
        "CREATE INDEX order_legs_by_instrument ON order_legs (instrument)",
    ),
    table(
        "orders",
        "One attempt to carry out an intent, and what the broker told of it.",
        """
        ref | TEXT PRIMARY KEY | order reference known to the broker: intent and attempt
        intent_id | TEXT NOT NULL REFERENCES order_intents (id) | intent it carries out
        attempt | INTEGER NOT NULL | number of the attempt
        status | TEXT NOT NULL | where it stands: PLANNED, SUBMITTING, ACCEPTED, FILLED, ... (docs/reference/tables.md)
        filled | INTEGER NOT NULL DEFAULT 0 | shares the broker said were filled
        broker_id | TEXT | the broker's permanent id
        code | TEXT | code of the last refusal or message
        text | TEXT NOT NULL DEFAULT '' | the last message in the broker's or our gate's words
        submitted_at | TEXT | instant the program was about to send it
        updated_at | TEXT NOT NULL | instant of the last change
        client_id | INTEGER | API client that sent it
        order_id | INTEGER | number that client gave it; unique within one day only
        """,
        "UNIQUE (intent_id, attempt)",
        "CREATE UNIQUE INDEX orders_one_live ON orders (intent_id) "
        "WHERE status NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'DENIED', 'LAPSED')",
    ),
    table(
        "order_events",
        "Everything that happened to orders, in the order it was seen.",
        """
        id | INTEGER PRIMARY KEY | number of the event
        at | TEXT NOT NULL | instant it was recorded
        intent_id | TEXT REFERENCES order_intents (id) | intent concerned; empty when none of ours
        ref | TEXT | order reference of the attempt concerned
        kind | TEXT NOT NULL | status for a change of status, else what was observed
        status | TEXT | the new status
        code | TEXT | code that came with it
        text | TEXT NOT NULL DEFAULT '' | words that came with it
        """,
        "",
        "CREATE INDEX order_events_by_intent ON order_events (intent_id)",
    ),
    table(
        "crosses",
        "Shares that change sleeves at the official close of a session, recorded with the decisions that led to it.",
        """
        id | TEXT PRIMARY KEY | id of the intent that its fill belongs to, made like that of an order
        account | TEXT NOT NULL | account it happens in
        session | TEXT NOT NULL | session whose official close is the price
        strategy | TEXT NOT NULL | sleeve that buys or sells
        symbol | TEXT NOT NULL | id of the instrument
        purpose | TEXT NOT NULL | enter, increase, reduce or exit: what the sleeve wanted
        side | TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')) | BUY or SELL
        shares | INTEGER NOT NULL CHECK (shares > 0) | whole shares
        reference_price | REAL NOT NULL | price in USD the decision saw
        reasons | TEXT NOT NULL | JSON list of reason words, the deciding one first
        status | TEXT NOT NULL | PLANNED until the official close is there, then FILLED; LAPSED if there is none
        planned_at | TEXT NOT NULL | instant it was recorded
        ended_at | TEXT | instant it was filled or lapsed
        decision_id | INTEGER NOT NULL REFERENCES decisions (id) | decision behind it
        """,
        "UNIQUE (account, session, strategy, symbol, side)",
        "CREATE INDEX crosses_by_session ON crosses (session)",
        "CREATE INDEX crosses_open ON crosses (status) WHERE status = 'PLANNED'",
        "CREATE INDEX crosses_by_decision ON crosses (decision_id)",
    ),
    table(
        "fills",
        "Single executions as the broker reported them, corrections included.",
        """
        exec_id | TEXT PRIMARY KEY | the broker's execution id; a correction raises its last part
        stem | TEXT NOT NULL | the id without that part: equal for a fill and its corrections
        current | INTEGER NOT NULL CHECK (current IN (0, 1)) | 1 for the last correction, which alone counts
        intent_id | TEXT NOT NULL REFERENCES order_intents (id) | intent it belongs to
        account | TEXT NOT NULL | account it happened in
        strategy | TEXT NOT NULL | strategy whose shares they are
        symbol | TEXT NOT NULL | id of the instrument: the ticker for shares
        side | TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')) | BUY or SELL
        session | TEXT NOT NULL | session of the trade
        instant | TEXT NOT NULL | instant of the trade
        shares | INTEGER NOT NULL CHECK (shares > 0) | whole shares or contracts, as traded
        price | REAL NOT NULL | USD per share, as traded; of an option per share of its underlying
        commission_usd | REAL | commission and fees in USD; empty while not known
        multiplier | INTEGER NOT NULL DEFAULT 1 CHECK (multiplier > 0) | shares per contract, 1 for shares
        """,
        "",
        "CREATE INDEX fills_by_stem ON fills (stem, current)",
        "CREATE INDEX fills_by_time ON fills (session, instant, exec_id)",
        "CREATE INDEX fills_by_intent ON fills (intent_id, current, shares)",
    ),
)
"""Parents before the tables that refer to them."""
