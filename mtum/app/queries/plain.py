"""The JSON that commands and pages answer with: one form for money, days, instants and what no number tells."""

import math
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from mtum.core import canonical


def plain(value: object) -> Any:
    """Return plain JSON values: numbers for money, `YYYY-MM-DD`, UTC ISO 8601, absolute paths, null for NaN."""
    return canonical.plain(value, _scalar)


def _scalar(value: object) -> object:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Decimal() if not value.is_finite():
            return None
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            return canonical.utc_text(value)
        case Path():
            return str(value.absolute())
        case _:
            return canonical.exact(value)
