"""What every opening needs of the schema: its version, and what queries and the schema say alike.

The tables and views are loaded by what makes, documents or asks them: reading what they mean takes as long as opening.
"""

SCHEMA_VERSION = 36
"""Number of migrations this program knows; a database of a higher `PRAGMA user_version` is refused."""
OPEN_MOVEMENTS = "(paid = 0 OR kind IN ('capital', 'deposit', 'withdrawal', 'transfer'))"
"""Which movements are looked at one by one for good; of all others only the sum counts."""
VIRTUAL_DECISIONS = """preview = 0 AND instr(document, '"virtual"') > 0"""
"""Decisions of sleeves that were watched, and perhaps some more: a damaged document must not keep rows from being
written, so that it is not read as JSON here."""
KINDS = {
    "run_started": ("runs", "id"),
    "run_finished": ("runs", "id"),
    "health": ("runs", "id"),
    "decision": ("decisions", "id"),
    "order": ("order_events", "id"),
    "fill": ("fills", "exec_id"),
    "equity": ("equity", "session"),
    "halt": ("halts", "id"),
    "resume": ("halts", "id"),
    "problem": ("runs", "id"),
    "option_order": ("option_order_events", "id"),
    "option_fill": ("option_fills", "exec_id"),
    "option_event": ("option_events", "key"),
}
"""Kind of event -> table and column of the row that its key names; a problem's key adds its place in the document.

`run_started` begins an attempt, `run_finished` ends one, or tells that its end was recorded anew with what became of it
since. `problem` is one that was not told of the run before. `health` tells that a job ended with another exit code than
the time before. `order` is a planned intent, a change of status, or what was observed. `fill` comes again with a
commission told late, `equity` with every change of its point. A dry run's decision counts for nothing and has none.
Those of options tell the same of option orders and executions, and of contracts that ended without a trade.
"""
