"""A session whose hours suit a test, put where a data folder keeps the exchange's sessions."""

import hashlib
import json
from datetime import date, datetime
from pathlib import Path

from mtum.adapters.calendar import ExchangeCalendar


def open_between(folder: Path, opens: datetime, closes: datetime) -> None:
    """Make the exchange of a data folder open and close then; both are New York's, of the same day, to the minute."""
    file = folder / "sessions.json"
    # With every year that anybody asks for: one that is missing has all of them built anew, and this session is lost.
    ExchangeCalendar(file=file).sessions(date(2010, 1, 1), date(closes.year + 9, 12, 31))
    stamp, _, text = file.read_text().partition("\n")
    years = json.loads(text)
    day, rows = closes.date().isoformat(), years[str(closes.year)]
    row = [day, f"{opens:%H:%M}", f"{closes:%H:%M}"]
    years[str(closes.year)] = sorted([*(one for one in rows if one[0] != day), row])
    text = json.dumps(years)
    file.write_text(f"{stamp.rpartition(' ')[0]} {hashlib.sha256(text.encode()).hexdigest()}\n{text}")
