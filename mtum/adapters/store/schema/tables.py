"""Every table of the database with the meaning of every column; comments and documentation come from here.

One line per column: name, type and constraints, what it means. Instants are UTC ISO 8601 text
ending in Z, sessions dates as text, money and prices REAL (shortest decimal form round-trips).
"""

from mtum.adapters.store.schema import OPEN_MOVEMENTS, VIRTUAL_DECISIONS
from mtum.adapters.store.schema.documented import DocumentedTable, table
from mtum.adapters.store.schema.event_log import EVENTS
from mtum.adapters.store.schema.frame_tables import FRAMES
from mtum.adapters.store.schema.option_tables import OPTIONS
from mtum.adapters.store.schema.order_tables import ORDERS
from mtum.adapters.store.schema.owner_tables import OWNER

_RUN = """
id | INTEGER PRIMARY KEY | number of the run
account | TEXT NOT NULL | account the run was for
job | TEXT NOT NULL | name of the job
slot | TEXT NOT NULL | which start of that job in the session
session | TEXT | session the run was for; empty for jobs without one
started_at | TEXT NOT NULL | instant of the start
finished_at | TEXT | instant of the end; empty while running or killed
outcome | TEXT | finished, failed, skipped, missed or superseded
exit_code | INTEGER | exit code of the command
steps | TEXT NOT NULL DEFAULT '{}' | JSON: step to the instant it was reached
document | TEXT | JSON: what the run reported
earlier | TEXT NOT NULL DEFAULT '[]' | JSON: ends of earlier attempts of the same run
"""

_DECISIONS = (
    table(
        "meta",
        "Facts about this database.",
        """
        key | TEXT PRIMARY KEY | name of the fact: mode, account, schema, or how far the timetable has come
        value | TEXT NOT NULL | the fact
        """,
    ),
    table(
        "runs",
        "One job for one session, with how it ended.",
        _RUN,
        "UNIQUE (account, session, job, slot)",
        "CREATE INDEX runs_by_job ON runs (job, session)",
        "CREATE INDEX runs_unfinished ON runs (job, session) WHERE finished_at IS NULL",
    ),
    table(
        "replayed_runs",
        "One job of the timetable by today's calendar on a replayed market, whose own sessions stand in `runs`.",
        _RUN,
        "UNIQUE (account, session, job, slot)",
    ),
    *FRAMES,
    table(
        "plans",
        "What the account did with the wishes of its sleeves in one session: limits, crosses, orders.",
        """
        id | INTEGER PRIMARY KEY | number of the plan
        account | TEXT NOT NULL | account it was made for
        session | TEXT NOT NULL | session that was decided
        decided_at | TEXT NOT NULL | instant of the decisions
        document | TEXT NOT NULL | JSON: orders by sleeve with what is crossed and sent, cuts, what was held back
        frame_hash | TEXT NOT NULL REFERENCES input_frames (hash) | every input of it
        """,
        "UNIQUE (account, session)",
        "CREATE INDEX plans_by_frame ON plans (frame_hash)",
    ),
    table(
        "decisions",
        "One decision per session and strategy; a dry run is a preview and does not count.",
        """
        id | INTEGER PRIMARY KEY | number of the decision
        account | TEXT NOT NULL | account decided for
        session | TEXT NOT NULL | session decided
        strategy | TEXT NOT NULL | strategy that decided
        preview | INTEGER NOT NULL CHECK (preview IN (0, 1)) | 1 for a dry run
        decided_at | TEXT NOT NULL | instant of the decision
        action | TEXT NOT NULL | enter, exit, hold or none
        reasons | TEXT NOT NULL | JSON list of reason words, the deciding one first
        document | TEXT NOT NULL | JSON: conditions, indicators, orders
        frame_hash | TEXT NOT NULL REFERENCES input_frames (hash) | the inputs
        settings | TEXT NOT NULL | JSON: all settings in force
        settings_hash | TEXT NOT NULL | hash of the settings
        code_version | TEXT NOT NULL | version of the program
        code_hash | TEXT NOT NULL | hash of the program's source
        libraries | TEXT NOT NULL | JSON: library to version
        remembered | TEXT NOT NULL | JSON: symbol to values kept with a position it opens
        """,
        "UNIQUE (account, session, strategy, preview)",
        "CREATE INDEX decisions_by_frame ON decisions (frame_hash)",
        "CREATE INDEX decisions_by_session ON decisions (session, strategy) WHERE preview = 0",
        f"CREATE INDEX decisions_virtual ON decisions (strategy) WHERE {VIRTUAL_DECISIONS}",
    ),
    table(
        "sessions",
        "The next trading sessions, renewed by each run.",
        """
        session | TEXT PRIMARY KEY | date of the session
        opens_at | TEXT NOT NULL | instant of the opening
        closes_at | TEXT NOT NULL | instant of the close
        half_day | INTEGER NOT NULL | 1 when shorter than a full session
        """,
    ),
)

_LEDGER = (
    table(
        "lots",
        "Open shares by the intent that opened them, in today's shares; derived from fills.",
        """
        intent_id | TEXT NOT NULL REFERENCES order_intents (id) | intent that bought them, or sold them short
        strategy | TEXT NOT NULL | strategy that holds them
        symbol | TEXT NOT NULL | id of the instrument: the ticker for shares
        session | TEXT NOT NULL | session of the purchase or short sale
        shares | INTEGER NOT NULL CHECK (shares <> 0) | shares left, negative when short
        opened_shares | INTEGER NOT NULL | shares opened in all, negative when short
        entry_price | REAL NOT NULL | average fill price in USD, commission apart
        cost_usd | REAL NOT NULL | commission of the shares left in USD
        remembered | TEXT NOT NULL | JSON: values the strategy keeps with the position
        multiplier | INTEGER NOT NULL DEFAULT 1 CHECK (multiplier > 0) | shares per contract, 1 for shares
        """,
        "PRIMARY KEY (intent_id, symbol)",
    ),
    table(
        "trades",
        "Round trips from the first entry fill to flat, in today's shares and symbols; derived from fills.",
        """
        strategy | TEXT NOT NULL | strategy that traded
        symbol | TEXT NOT NULL | id of the instrument: the ticker for shares
        entry_session | TEXT NOT NULL | session of the first entry fill
        entry_price | REAL NOT NULL | average entry price in USD
        exit_session | TEXT | session in which the last share was sold, or bought back; empty while open
        exit_price | REAL | average exit price in USD
        shares | INTEGER NOT NULL | shares opened in all, negative for a short sale
        pnl_usd | REAL | profit or loss after commissions in USD; empty while one is not known
        return_frac | REAL | that over the value of the entry, as a fraction
        commission_usd | REAL | commissions in USD; empty while one is not known
        exit_intent_id | TEXT | intent of the first exit order; merged:... where a merger paid cash without one
        """,
    ),
    table(
        "cash_movements",
        "Every change of a strategy's cash; the sum of the paid ones is its cash.",
        """
        key | TEXT PRIMARY KEY | makes a repeated movement the same one
        strategy | TEXT NOT NULL | strategy whose cash it is
        session | TEXT NOT NULL | session it counts in
        kind | TEXT NOT NULL | capital, deposit, withdrawal, transfer, buy, sell, commission, dividend, fee, adjustment
        amount_usd | REAL NOT NULL | USD, negative when paid out
        symbol | TEXT | id of the instrument concerned
        note | TEXT NOT NULL DEFAULT '' | why
        paid | INTEGER NOT NULL DEFAULT 1 CHECK (paid IN (0, 1)) | 0 for a dividend earned and not received yet
        """,
        "",
        "CREATE INDEX cash_movements_paid ON cash_movements (strategy, paid, session, amount_usd)",
        f"CREATE INDEX cash_movements_open ON cash_movements (strategy, session) WHERE {OPEN_MOVEMENTS}",
    ),
    table(
        "equity",
        "A strategy at an official close, with buy-and-hold of the same symbol beside it.",
        """
        session | TEXT NOT NULL | session closed
        strategy | TEXT NOT NULL | strategy measured
        cash_usd | REAL NOT NULL | cash in USD
        receivable_usd | REAL NOT NULL | dividends earned and not received in USD
        market_usd | REAL NOT NULL | shares and options at the close in USD
        equity_usd | REAL NOT NULL | all three together
        flows_usd | REAL NOT NULL | deposits less withdrawals since the last point in USD
        benchmark_usd | REAL | buy-and-hold with the same capital in USD
        close | REAL | official close in USD; empty where there are several symbols
        shares | INTEGER NOT NULL | shares held, of all symbols together
        final | INTEGER NOT NULL DEFAULT 1 | 0 while the close may still change
        """,
        "PRIMARY KEY (strategy, session)",
        "CREATE INDEX equity_with_flows ON equity (strategy, session) WHERE flows_usd <> 0",
        "CREATE INDEX equity_by_value ON equity (strategy, equity_usd, session)",
    ),
    table(
        "account_snapshots",
        "The account as the broker showed it.",
        """
        id | INTEGER PRIMARY KEY | number of the snapshot
        session | TEXT NOT NULL | session it was taken in
        at | TEXT NOT NULL | instant it was taken
        account | TEXT NOT NULL | account code
        kind | TEXT NOT NULL | cash or margin
        cash_usd | REAL NOT NULL | total cash in USD
        settled_usd | REAL NOT NULL | settled cash in USD
        net_liquidation_usd | REAL NOT NULL | the broker's value of the account in USD
        positions | TEXT NOT NULL | JSON: symbol to shares, fractions possible
        others | TEXT NOT NULL DEFAULT '[]' | JSON: how much is held or ordered of what is no share in USD, in words
        """,
        "UNIQUE (session, at)",
    ),
)

_MARKET = (
    table(
        "bars",
        "Accepted daily bars per symbol and source; an extra series such as the VIX has only a close.",
        """
        symbol | TEXT NOT NULL | id of the instrument: a ticker, or the name of a series
        source | TEXT NOT NULL | where it was read
        session | TEXT NOT NULL | session of the bar
        open | REAL NOT NULL | opening price in USD, split-adjusted
        high | REAL NOT NULL | highest price in USD
        low | REAL NOT NULL | lowest price in USD
        close | REAL NOT NULL | closing price in USD
        volume | REAL | shares traded, split-adjusted; empty if nobody recorded them
        dividend | REAL NOT NULL DEFAULT 0 | USD per share on the ex-date, else 0
        split | REAL NOT NULL DEFAULT 0 | new shares per old on the effective date, else 0
        first_read_at | TEXT NOT NULL | instant the bar was first read
        read_at | TEXT NOT NULL | instant it was last read
        final | INTEGER NOT NULL | 1 when read long enough after the close
        checksum | INTEGER | of symbol, source, session and open to split, so that a change of one by hand is noticed
        """,
        "PRIMARY KEY (symbol, source, session)",
        "CREATE INDEX bars_with_events ON bars (symbol, source, session) WHERE dividend <> 0 OR split <> 0",
    ),
    table(
        "intraday_bars",
        "Bars within the sessions as they were read: a row for each value that one had, and none is ever changed.",
        """
        id | INTEGER PRIMARY KEY | rises with every row; the newest of a bar counts
        symbol | TEXT NOT NULL | id of the instrument
        source | TEXT NOT NULL | where it was read
        minutes | INTEGER NOT NULL | length of the bar; the last of a session may be shorter
        session | TEXT NOT NULL | session it lies in
        begins_at | TEXT NOT NULL | instant it begins
        open | REAL NOT NULL | first price in USD, split-adjusted by what was known at the reading
        high | REAL NOT NULL | highest price in USD
        low | REAL NOT NULL | lowest price in USD
        close | REAL NOT NULL | last price in USD
        volume | REAL | shares traded; empty if nobody recorded them
        read_at | TEXT NOT NULL | instant it was read
        """,
        "",
        "CREATE INDEX intraday_bars_by_session ON intraday_bars (symbol, source, minutes, session)",
    ),
    table(
        "intraday_readings",
        "Sessions whose bars were read once they were over.",
        """
        symbol | TEXT NOT NULL | id of the instrument
        source | TEXT NOT NULL | where they were read
        minutes | INTEGER NOT NULL | length of the bars
        session | TEXT NOT NULL | session that was over
        read_at | TEXT NOT NULL | instant of the newest reading
        """,
        "PRIMARY KEY (symbol, source, minutes, session)",
    ),
    table(
        "bar_revisions",
        "Values that a source changed after they were accepted.",
        """
        id | INTEGER PRIMARY KEY | number of the revision
        symbol | TEXT NOT NULL | id of the bar's instrument
        source | TEXT NOT NULL | where it was read
        session | TEXT NOT NULL | session of the bar
        field | TEXT NOT NULL | column of `bars` that changed
        before | REAL NOT NULL | value until then
        after | REAL NOT NULL | value the source gives now
        first_read_at | TEXT NOT NULL | instant the earlier value was read
        replaced_at | TEXT NOT NULL | instant the change was noticed
        accepted | INTEGER NOT NULL | 1 when the new value went into `bars`
        """,
        "UNIQUE (symbol, source, session, field, replaced_at)",
    ),
    table(
        "corporate_actions",
        "Splits and dividends as told by sources, and splits that broker and source agreed upon.",
        """
        symbol | TEXT NOT NULL | id of the instrument concerned
        session | TEXT NOT NULL | effective date of a split, ex-date of a dividend
        kind | TEXT NOT NULL CHECK (kind IN ('split', 'dividend')) | split or dividend
        source | TEXT NOT NULL | who told it; agreed = also seen in the broker's position, lots follow
        amount | REAL NOT NULL | new shares per old, or USD per share
        recorded_at | TEXT NOT NULL | instant it was first recorded
        """,
        "PRIMARY KEY (symbol, session, kind, source)",
    ),
    table(
        "quarantined_bars",
        "Bars that broke a rule and were kept out.",
        """
        id | INTEGER PRIMARY KEY | number to release it by
        symbol | TEXT NOT NULL | id of the bar's instrument
        source | TEXT NOT NULL | where it was read
        session | TEXT NOT NULL | session of the bar
        open | REAL | opening price in USD as read
        high | REAL | highest price in USD as read
        low | REAL | lowest price in USD as read
        close | REAL | closing price in USD as read
        volume | REAL | shares traded as read
        rule | TEXT NOT NULL | rule it broke
        found | TEXT NOT NULL | what was found
        seen_at | TEXT NOT NULL | instant it was last read
        released_at | TEXT | instant a person released it
        released_by | TEXT | who released it
        """,
        "UNIQUE (symbol, source, session, rule)",
    ),
    table(
        "volume_snapshots",
        "Volume seen at a decision, what was made of it, and the final figure.",
        """
        symbol | TEXT NOT NULL | id of the instrument
        source | TEXT NOT NULL | where it was read
        session | TEXT NOT NULL | session of the decision
        minutes | REAL NOT NULL | minutes left to the close
        volume_so_far | REAL NOT NULL | shares traded until then
        share | REAL | fraction of the day's volume usually traded by then
        projected | REAL | projected volume of the day
        half_day | INTEGER NOT NULL | 1 on a short session, which is never learned from
        final_volume | REAL | the day's final volume, read the next day
        projected_low | REAL | four sessions in five would end above this
        projected_high | REAL | and below this; both empty with a documented share
        learned_sessions | INTEGER NOT NULL | sessions the share was learned from; 0: documented
        error_frac | REAL | projected over final volume, less 1
        """,
        "PRIMARY KEY (symbol, source, session)",
        "CREATE INDEX volume_snapshots_waiting ON volume_snapshots (symbol, source, session) "
        "WHERE final_volume IS NULL",
    ),
)

_CONTROL = (
    table(
        "halts",
        "Switches that stop new orders, in force until lifted.",
        """
        id | INTEGER PRIMARY KEY | number of the halt
        restriction | TEXT NOT NULL | reduce_only (no entries) or full (nothing is sent)
        why | TEXT NOT NULL | reason given
        halted_by | TEXT NOT NULL | who stopped trading
        since | TEXT NOT NULL | instant it came into force
        lifted_at | TEXT | instant it was lifted
        strategy | TEXT | sleeve that it stops; empty for the whole account
        """,
    ),
    table(
        "notifications",
        "Messages to the owner, and whether they were delivered.",
        """
        id | INTEGER PRIMARY KEY | number of the message
        key | TEXT NOT NULL UNIQUE | makes a repeated message the same one
        run_id | INTEGER REFERENCES runs (id) | run that wrote it
        noted_at | TEXT NOT NULL | instant it was written
        urgency | TEXT NOT NULL | act_now, order_sent or report
        subject | TEXT NOT NULL | subject line
        text | TEXT NOT NULL | plain text
        html | TEXT | HTML part; kept until delivered
        images | TEXT NOT NULL | JSON: image name to base 64; kept until delivered
        tries | INTEGER NOT NULL DEFAULT 0 | deliveries tried
        delivered_at | TEXT | instant of the delivery
        error | TEXT | why the last try failed
        """,
        "",
        "CREATE INDEX notifications_undelivered ON notifications (id) WHERE delivered_at IS NULL",
        "CREATE INDEX notifications_by_run ON notifications (run_id)",
    ),
)

TABLES: dict[str, DocumentedTable] = {
    one.name: one for one in (*_DECISIONS, *ORDERS, *_LEDGER, *_MARKET, *_CONTROL, *OWNER, *OPTIONS, EVENTS)
}
"""Every table by name, parents before the tables that refer to them."""
