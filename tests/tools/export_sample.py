"""Which rows make up the embedded market? Exports them from the data sets of the `arch` package.

Run from the top of the project, with the group `sample` installed:

    uv run --group sample python tests/tools/export_sample.py

It rewrites SP500.csv and VIX.csv in mtum/adapters/sources/sample/ and names the folder. PROVENANCE.md beside them tells
where the numbers come from and under which licence.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

FIRST = date(2014, 1, 3)
LAST = date(2018, 12, 31)
SAMPLE_DIR = Path(__file__).parents[2] / "mtum" / "adapters" / "sources" / "sample"
PRICE_COLUMNS = ("Open", "High", "Low", "Close")


def sp500_csv() -> str:
    """Text of SP500.csv: date, open, high, low, close (index points / 10), volume (shares).

    The index is quoted to the hundredth, the data set holds binary floats beside it (1831.369995 for 1831.37): the
    quote is restored first and then divided, so every stored price has three exact decimals.
    """
    from arch.data import sp500

    frame = sp500.load().loc[FIRST.isoformat() : LAST.isoformat()]
    lines = ["date,open,high,low,close,volume"]
    for stamp, row in zip(frame.index, frame.to_dict("records"), strict=True):
        prices = ",".join(f"{round(row[column], 2) / 10:.3f}" for column in PRICE_COLUMNS)
        lines.append(f"{str(stamp)[:10]},{prices},{row['Volume']}")
    return "\n".join(lines) + "\n"


def vix_csv() -> str:
    """Text of VIX.csv: date, close (VIX points). Rows without a value, which are closed days, are left out."""
    from arch.data import vix

    closes = vix.load()["vix"].loc[FIRST.isoformat() : LAST.isoformat()].dropna()
    rows = zip(closes.index, closes, strict=True)
    return "\n".join(["date,close", *(f"{str(stamp)[:10]},{close:.2f}" for stamp, close in rows)]) + "\n"


def main(folder: Path = SAMPLE_DIR) -> Sequence[Path]:
    """Write both files into a folder.

    Parameters
    ----------
    folder : Path
        Existing folder; the package data by default.

    Returns
    -------
    sequence of Path
        The written files.
    """
    files = {folder / "SP500.csv": sp500_csv(), folder / "VIX.csv": vix_csv()}
    for path, text in files.items():
        path.write_text(text, encoding="ascii", newline="\n")
    return tuple(files)


if __name__ == "__main__":
    for written in main():
        print(written)
