"""Tables of what decisions rested on: of large frames each bar once."""

from mtum.adapters.store.schema.documented import table

FRAMES = (
    table(
        "input_frames",
        "Every input of a decision, stored once.",
        """
        hash | TEXT PRIMARY KEY | SHA-256 of the whole text
        frame | TEXT NOT NULL | JSON, keys sorted, no spaces: bars by column (large: by frame_bars), series, book
        """,
    ),
    table(
        "frame_bars",
        "Finished bars that large frames used: a row for each value that one had.",
        """
        id | INTEGER PRIMARY KEY | rises with every row; a frame uses none above its `bars_until`
        symbol | TEXT NOT NULL | id of the instrument
        source | TEXT NOT NULL | where the bar came from, within the session its timeframe too
        session | TEXT NOT NULL | session of the bar, within one its begin/minutes; its newest row counts
        open | REAL NOT NULL | USD, in the shares of the decision that wrote it
        high | REAL NOT NULL | USD
        low | REAL NOT NULL | USD
        close | REAL NOT NULL | USD
        volume | REAL | shares; empty when unproven
        dividend | REAL | USD per share; empty where no frame has asked for it
        """,
        "",
        "CREATE INDEX frame_bars_by_session ON frame_bars (symbol, source, session)",
    ),
    table(
        "frame_spans",
        "A symbol's bars in the newest large frame, all in `frame_bars` but the last: the next one need not read them.",
        """
        symbol | TEXT NOT NULL | id of the instrument
        source | TEXT NOT NULL | where the bars came from
        sessions | INTEGER NOT NULL | how many bars
        columns | INTEGER NOT NULL | how many numbers a bar has
        hash | TEXT NOT NULL | SHA-256 of the bars without the oldest and the newest
        until | INTEGER NOT NULL | newest row of `frame_bars` by then
        """,
        "PRIMARY KEY (symbol, source, sessions, columns)",
    ),
)
"""As decisions and plans refer to them."""
