"""Tables of what a person stated and approved; nothing of it is replaced, so that every change can be seen later."""

from mtum.adapters.store.schema.documented import table

OWNER = (
    table(
        "external_shares",
        "Shares that a person stated as the owner's own; of each symbol the last statement counts.",
        """
        id | INTEGER PRIMARY KEY | number of the statement
        symbol | TEXT NOT NULL | id of the instrument that is held
        shares | REAL NOT NULL CHECK (shares >= 0) | shares that are never traded, fractions possible; 0 for none
        stated_at | TEXT | instant of the statement; empty where a program before did not keep it
        why | TEXT NOT NULL DEFAULT '' | what led to it
        """,
        "",
        "CREATE INDEX external_shares_by_symbol ON external_shares (symbol)",
    ),
    table(
        "symbol_changes",
        "New names, mergers and spin-offs that a person stated; lots, trades, cash and history follow those not "
        "taken back.",
        """
        id | INTEGER PRIMARY KEY | number of the change
        kind | TEXT NOT NULL CHECK (kind IN ('renamed', 'merged', 'spun-off')) | renamed, merged or spun-off
        symbol | TEXT NOT NULL | id of the instrument until then; of a spin-off the parent
        session | TEXT NOT NULL | first session after it
        into_symbol | TEXT NOT NULL | new name, what a merger paid with, or the child; empty for cash alone
        ratio | REAL NOT NULL CHECK (ratio > 0) | shares of that per share
        cash_usd | REAL NOT NULL CHECK (cash_usd >= 0) | USD paid per share
        basis_frac | REAL NOT NULL CHECK (basis_frac >= 0 AND basis_frac < 1) | part of the cost that the child takes
        given | TEXT NOT NULL | JSON: sleeve to whole shares of `into_symbol` that it received
        positions_before | TEXT NOT NULL | JSON: symbol to shares, as the broker showed them last with the old symbol
        positions_after | TEXT NOT NULL | JSON: symbol to shares, as it showed them when the change was stated
        external | TEXT NOT NULL | JSON: symbol to the owner's own shares before and after
        stated_at | TEXT NOT NULL | instant of the statement
        undone_at | TEXT | instant it was taken back; empty while it counts
        """,
        "",
        "CREATE UNIQUE INDEX symbol_changes_once ON symbol_changes (symbol, session, into_symbol) "
        "WHERE undone_at IS NULL",
    ),
    table(
        "stated_entries",
        "What a strategy keeps with a position that a person stated; of each intent the last row counts.",
        """
        id | INTEGER PRIMARY KEY | number of the statement
        intent_id | TEXT NOT NULL | intent that stands for the entry
        remembered | TEXT NOT NULL | JSON: values the strategy keeps with the position
        stated_at | TEXT | instant of the statement; empty where a program before did not keep it
        """,
        "",
        "CREATE INDEX stated_entries_by_intent ON stated_entries (intent_id)",
    ),
    table(
        "foreign_orders",
        "Orders made by this program and not by this database that are known to be in order.",
        """
        id | INTEGER PRIMARY KEY | number of the acknowledgement
        ref | TEXT NOT NULL | order reference known to the broker
        acknowledged_at | TEXT | instant of it; empty where a program before did not keep it
        why | TEXT NOT NULL DEFAULT '' | what led to it
        """,
        "",
        "CREATE INDEX foreign_orders_by_ref ON foreign_orders (ref)",
    ),
    table(
        "flatten_requests",
        "Positions that a person wants closed, until nothing of them is left.",
        """
        id | INTEGER PRIMARY KEY | number of the request
        symbol | TEXT NOT NULL | id of the instrument that is to be closed
        why | TEXT NOT NULL | reason given
        asked_at | TEXT | instant of the request; empty where a program before did not keep it
        done_at | TEXT | instant it was found closed; empty while it is not
        strategy | TEXT | sleeve whose position it is; empty for every one
        """,
    ),
    table(
        "approvals",
        "Orders that a person approved, by the session and the way they are for.",
        """
        id | INTEGER PRIMARY KEY | number of the approval
        session | TEXT NOT NULL | session it is for; it lapses with it
        way | TEXT NOT NULL CHECK (way IN ('enter', 'exit')) | enter or exit
        sleeve | TEXT | sleeve it is for; empty for every one
        symbol | TEXT | id of the instrument it is for; empty for every one
        approved_at | TEXT NOT NULL | instant of the approval
        """,
        "",
        "CREATE UNIQUE INDEX approvals_once ON approvals (session, way, coalesce(sleeve, ''), coalesce(symbol, ''))",
    ),
    table(
        "approved_documents",
        "What a person approved to trade with; of each subject the last approval counts.",
        """
        id | INTEGER PRIMARY KEY | number of the approval
        subject | TEXT NOT NULL CHECK (subject IN ('settings', 'code', 'backtest')) | settings, code or backtest
        document | TEXT NOT NULL | JSON: what was approved
        approved_at | TEXT | instant of the approval; empty where a program before did not keep it
        """,
        "",
        "CREATE INDEX approved_documents_by_subject ON approved_documents (subject)",
    ),
    table(
        "pinned_contracts",
        "The contract that the broker named for a symbol; of each symbol the last pin counts.",
        """
        id | INTEGER PRIMARY KEY | number of the pin
        symbol | TEXT NOT NULL | id of the instrument, or name of the series
        identity | TEXT NOT NULL | the broker's contract number and listing market; empty: to be looked up anew
        pinned_at | TEXT | instant of the pin; empty where a program before did not keep it
        """,
        "",
        "CREATE INDEX pinned_contracts_by_symbol ON pinned_contracts (symbol)",
    ),
    table(
        "notes",
        "What a person wrote down of a session, for themselves; nothing reads it but they.",
        """
        id | INTEGER PRIMARY KEY | number of the note
        session | TEXT NOT NULL | day it is about
        symbol | TEXT | symbol it is about; empty for none
        words | TEXT NOT NULL | the note
        at | TEXT NOT NULL | instant of writing
        """,
    ),
    table(
        "peaks",
        "From where the drawdown limit counts its peak, once its halt was lifted; the last row counts.",
        """
        id | INTEGER PRIMARY KEY | number of the lifting
        session | TEXT NOT NULL | session from whose close on the peak is counted
        set_at | TEXT | instant of the lifting; empty where a program before did not keep it
        strategy | TEXT | sleeve whose peak it is; empty for every one
        """,
    ),
    table(
        "account_worth",
        "The account at a decision, for the limit on changes that nothing explains; the last row counts.",
        """
        id | INTEGER PRIMARY KEY | number of the row
        session | TEXT NOT NULL | session decided
        net_usd | REAL NOT NULL | the broker's value of the account in USD
        shares_usd | REAL NOT NULL | our shares in it at the decision's prices in USD
        cash_usd | REAL NOT NULL | our recorded cash in USD
        at | TEXT | instant of the decision; empty where a program before did not keep it
        """,
    ),
)
"""What only a person can tell, and what the limits of the account go by."""
