"""The tables of options: contracts, intents with legs and attempts, executions, events, and the lots they make."""

from mtum.adapters.store.schema.documented import table

_LOT = """
account | TEXT NOT NULL | account it is in
strategy | TEXT NOT NULL | strategy whose it is
structure | TEXT NOT NULL | what ties the legs of one structure together; ! and a day: the broken part of one
con_id | INTEGER NOT NULL REFERENCES option_contracts (con_id) | contract
quantity | INTEGER NOT NULL CHECK (quantity <> 0) | contracts, negative for those sold
premium | REAL NOT NULL | USD per share paid or received for each, without sign
fees_usd | REAL | commission and fees of opening these contracts, USD; empty while not known
opened_by | TEXT NOT NULL | intent that opened it
opened | TEXT NOT NULL | session that opened it
broken | INTEGER NOT NULL CHECK (broken IN (0, 1)) | 1 where another leg of its structure was assigned"""

OPTIONS = (
    table(
        "option_contracts",
        "Every option contract that was ever traded or held, with all facts: the broker forgets those that expired.",
        """
        con_id | INTEGER PRIMARY KEY CHECK (con_id > 0) | the broker's number of it
        underlying | TEXT NOT NULL | ticker of the share, fund or index
        right | TEXT NOT NULL CHECK (right IN ('C', 'P')) | C for a call, P for a put
        strike | REAL NOT NULL CHECK (strike > 0) | USD per share
        expiry | TEXT NOT NULL | last day on which it trades
        settles | TEXT NOT NULL | day whose prices settle it
        trading_class | TEXT NOT NULL | class it is listed in
        style | TEXT NOT NULL CHECK (style IN ('american', 'european')) | american or european
        delivery | TEXT NOT NULL CHECK (delivery IN ('shares', 'cash_am', 'cash_pm')) | shares, cash_am or cash_pm
        multiplier | INTEGER NOT NULL CHECK (multiplier > 0) | shares per contract
        currency | TEXT NOT NULL | currency of its price
        recorded_at | TEXT NOT NULL | instant it was first recorded
        """,
        "CHECK (settles >= expiry)",
    ),
    table(
        "option_intents",
        "What the program wanted to trade in options, committed before anything was sent.",
        """
        id | TEXT PRIMARY KEY | made from account, session, strategy, purpose and legs
        account | TEXT NOT NULL | account to trade in
        session | TEXT NOT NULL | session to trade in
        strategy | TEXT NOT NULL | strategy that wants it
        underlying | TEXT NOT NULL | ticker of the share, fund or index
        purpose | TEXT NOT NULL CHECK (purpose IN ('open', 'close', 'roll')) | open, close or roll
        quantity | INTEGER NOT NULL CHECK (quantity > 0) | contracts of a single leg, combinations of several
        start | REAL NOT NULL | net USD per share that the decision reckoned with; negative for a credit
        worst | REAL | highest net that is taken; empty where the far side alone bounds it
        to_far_side | INTEGER NOT NULL CHECK (to_far_side IN (0, 1)) | 1 where the last offer is the far side
        spot | REAL NOT NULL | USD per share of the underlying at the decision
        structure | TEXT NOT NULL | what ties its lots together, and to those it closes
        most_loss_usd | REAL NOT NULL | the most that the opened structure may lose, USD
        deadline | TEXT NOT NULL | instant at which it is canceled at the latest
        reasons | TEXT NOT NULL | JSON list of reason words, the deciding one first
        status | TEXT NOT NULL | PLANNED before the first attempt, then that of the newest, or how it ended
        planned_at | TEXT NOT NULL | instant it was recorded
        ended_at | TEXT | instant from which no further attempt is made; empty before
        """,
        "",
        "CREATE INDEX option_intents_by_session ON option_intents (session)",
    ),
    table(
        "option_legs",
        "The contracts that one unit of an intent trades.",
        """
        intent_id | TEXT NOT NULL REFERENCES option_intents (id) | the intent
        number | INTEGER NOT NULL | place among its legs, from 1
        con_id | INTEGER NOT NULL REFERENCES option_contracts (con_id) | contract
        side | TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')) | BUY or SELL
        ratio | INTEGER NOT NULL CHECK (ratio > 0) | contracts in one unit
        """,
        "PRIMARY KEY (intent_id, number), UNIQUE (intent_id, con_id)",
        "CREATE INDEX option_legs_by_contract ON option_legs (con_id)",
    ),
    table(
        "option_attempts",
        "One offer of an intent at the broker, and what the broker told of it; one of them lives at a time.",
        """
        ref | TEXT PRIMARY KEY | order reference known to the broker: intent and number
        intent_id | TEXT NOT NULL REFERENCES option_intents (id) | intent it carries out
        number | INTEGER NOT NULL CHECK (number > 0) | number of the attempt
        quantity | INTEGER NOT NULL CHECK (quantity > 0) | units offered: what earlier attempts left
        price | REAL NOT NULL | net USD per share that was asked for last; negative for a credit
        status | TEXT NOT NULL | where it stands: SUBMITTING, ACCEPTED, FILLED, ... (docs/reference/tables.md)
        filled | INTEGER NOT NULL DEFAULT 0 | units the broker said were filled
        broker_id | TEXT | the broker's permanent id
        code | TEXT | code of the last refusal or message
        text | TEXT NOT NULL DEFAULT '' | the last message in the broker's or our gate's words
        submitted_at | TEXT | instant the program was about to send it
        updated_at | TEXT NOT NULL | instant of the last change
        client_id | INTEGER | API client that sent it
        order_id | INTEGER | number that client gave it; unique within one day only
        """,
        "UNIQUE (intent_id, number)",
        "CREATE UNIQUE INDEX option_attempts_one_live ON option_attempts (intent_id) "
        "WHERE status NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'DENIED', 'LAPSED')",
    ),
    table(
        "option_prices",
        "Every price that an attempt was to be offered at, recorded before it was sent.",
        """
        ref | TEXT NOT NULL REFERENCES option_attempts (ref) | the attempt
        number | INTEGER NOT NULL CHECK (number > 0) | 1 for the first, the others change it in place
        price | REAL NOT NULL | net USD per share; negative for a credit
        at | TEXT NOT NULL | instant it was recorded
        """,
        "PRIMARY KEY (ref, number)",
    ),
    table(
        "option_order_events",
        "Everything that happened to option orders, in the order it was seen.",
        """
        id | INTEGER PRIMARY KEY | number of the event
        at | TEXT NOT NULL | instant it was recorded
        intent_id | TEXT NOT NULL REFERENCES option_intents (id) | intent concerned
        ref | TEXT | attempt concerned; empty for the intent as a whole
        kind | TEXT NOT NULL | status for a change of status, price for a claimed one
        status | TEXT | the status
        code | TEXT | code that came with it
        text | TEXT NOT NULL DEFAULT '' | words that came with it
        """,
        "",
        "CREATE INDEX option_order_events_by_intent ON option_order_events (intent_id)",
    ),
    table(
        "option_fills",
        "Single executions of legs as the broker reported them, corrections included.",
        """
        exec_id | TEXT PRIMARY KEY | the broker's execution id; a correction raises its last part
        stem | TEXT NOT NULL | the id without that part: equal for a fill and its corrections
        current | INTEGER NOT NULL CHECK (current IN (0, 1)) | 1 for the last correction, which alone counts
        place | INTEGER NOT NULL | place in the order in which executions and events were recorded
        intent_id | TEXT NOT NULL REFERENCES option_intents (id) | intent it belongs to
        account | TEXT NOT NULL | account it happened in
        strategy | TEXT NOT NULL | strategy whose contracts they are
        structure | TEXT NOT NULL | structure they belong to
        con_id | INTEGER NOT NULL REFERENCES option_contracts (con_id) | contract
        session | TEXT NOT NULL | session of the trade
        quantity | INTEGER NOT NULL CHECK (quantity <> 0) | contracts, negative for a sale
        price | REAL NOT NULL CHECK (price >= 0) | USD per share
        fee_usd | REAL | commission and fees in USD; empty while not known
        """,
        "",
        "CREATE INDEX option_fills_by_stem ON option_fills (stem)",
        "CREATE INDEX option_fills_by_contract ON option_fills (con_id)",
        "CREATE INDEX option_fills_by_intent ON option_fills (intent_id)",
    ),
    table(
        "option_events",
        "What ended contracts without an order of ours: assigned, exercised, expired, settled, stated.",
        """
        key | TEXT PRIMARY KEY | account, contract, kind, day and contracts before it: found again, it is the same one
        place | INTEGER NOT NULL | place in the order in which executions and events were recorded
        batch | INTEGER NOT NULL | place of the first event of the same morning
        kind | TEXT NOT NULL | assigned, exercised, expired, cash_settled or stated
        account | TEXT NOT NULL | account it happened in
        con_id | INTEGER NOT NULL REFERENCES option_contracts (con_id) | contract
        quantity | INTEGER NOT NULL CHECK (quantity <> 0) | contracts that ended, negative for those sold
        price | REAL NOT NULL CHECK (price >= 0) | USD per share: the strike, the settlement, or 0
        effective | TEXT NOT NULL | day on which it took effect
        running | INTEGER NOT NULL | contracts of ours before it, negative for those sold
        evidence | TEXT NOT NULL | JSON list: what was seen, in words
        provisional | INTEGER NOT NULL CHECK (provisional IN (0, 1)) | 1 until the account's cash has confirmed it
        recorded_at | TEXT NOT NULL | instant it was recorded
        """,
        "",
        "CREATE INDEX option_events_by_contract ON option_events (con_id)",
    ),
    table(
        "option_lots",
        "Option contracts of our own that are open; made of executions and events.",
        f"number | INTEGER PRIMARY KEY | place of the lot{_LOT}",
        "",
        "CREATE INDEX option_lots_by_contract ON option_lots (con_id)",
    ),
    table(
        "option_ends",
        "Option contracts of our own that ended, by a trade or without one; made of executions and events.",
        f"""number | INTEGER PRIMARY KEY | place of the end{_LOT}
        ended | TEXT NOT NULL | session of the trade, or day on which they ended
        price | REAL NOT NULL | USD per share at which they ended; 0 where shares changed hands at the strike
        end_fee_usd | REAL | commission and fees of closing them, USD; empty while not known
        kind | TEXT NOT NULL | traded, assigned, exercised, expired, cash_settled or stated
        ended_by | TEXT NOT NULL | execution or event
        pnl_usd | REAL | profit or loss after fees, USD, of an assigned option the premium; empty while not known
        """,
        "",
        "CREATE INDEX option_ends_by_contract ON option_ends (con_id)",
    ),
    table(
        "option_external",
        "Option contracts that are the owner's own, as stated or seen.",
        """
        id | INTEGER PRIMARY KEY | number of the statement; the newest of a contract counts
        con_id | INTEGER NOT NULL REFERENCES option_contracts (con_id) | contract
        quantity | INTEGER NOT NULL | contracts, negative for those sold; 0 takes a statement back
        stated_at | TEXT NOT NULL | instant it was recorded
        why | TEXT NOT NULL | who says so
        """,
        "",
        "CREATE INDEX option_external_by_contract ON option_external (con_id)",
    ),
    table(
        "option_marks",
        "What contracts were worth at the end of a session.",
        """
        session | TEXT NOT NULL | the session
        con_id | INTEGER NOT NULL REFERENCES option_contracts (con_id) | contract
        price | REAL NOT NULL CHECK (price >= 0) | USD per share
        source | TEXT NOT NULL | where the price is from: quotes, a model, the close of the underlying
        at | TEXT NOT NULL | instant it was recorded
        """,
        "PRIMARY KEY (con_id, session)",
    ),
)
"""Parents before the tables that refer to them."""

GROWING = {
    "option_contracts": "",
    "option_legs": "",
    "option_prices": "",
    "option_order_events": "",
    "option_fills": "exec_id, stem, place, intent_id, account, strategy, structure, con_id, session, quantity, price",
    "option_events": (
        "key, place, batch, kind, account, con_id, quantity, price, effective, running, evidence, recorded_at"
    ),
    "option_external": "",
}
"""Tables whose rows are added and never deleted -> columns that never change; "" for all of them."""
