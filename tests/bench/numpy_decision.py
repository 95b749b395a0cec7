"""Ranks a folder of CSV files by twelve-month momentum with numpy alone, as a whole process; prints JSON."""

import json
import sys
from pathlib import Path

import numpy as np

BARS, SKIPPED, LOOKED_BACK, TREND = 300, 1, 12, 200


def main(folder: Path, session: str) -> None:
    """Decide on the newest bars up to a session."""
    scores, trend = {}, None
    for file in sorted(folder.glob("S*.csv")):
        rows = [line.split(",") for line in file.read_text().splitlines()[1:]]
        rows = [row for row in rows if row[0] <= session][-BARS:]
        days = np.array([row[0] for row in rows], dtype="datetime64[D]")
        close, dividend = (np.array([row[place] for row in rows], dtype=np.float64) for place in (4, 6))
        kept = np.ones(len(close))
        kept[:-1] = np.cumprod((1.0 - dividend[1:] / close[:-1])[::-1])[::-1]
        month = days[-1].astype("datetime64[M]")
        ends = [np.searchsorted(days, month - ago + 1) - 1 for ago in (SKIPPED, LOOKED_BACK)]
        new, old = (close[end] * kept[end] for end in ends)
        scores[file.stem] = round(float(new / old - 1), 6)
        if trend is None:
            trend = bool(close[-1] > close[-TREND:].mean())
    ranked = sorted(scores, key=lambda symbol: -scores[symbol])
    print(json.dumps({"ranked": ranked, "trend": trend}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
