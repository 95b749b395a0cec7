"""Where TA-Lib has an indicator ours gives the same values once seeds are forgotten, on three embedded markets."""

from datetime import date

import numpy as np
import pytest

from mtum.adapters.sources.embedded import sample_source
from mtum.core.indicators import INDICATORS, lines_of
from support.talib_peers import PEERS
from support.values import replace


@pytest.mark.parametrize("symbol", ["SP500", "NDQ", "UST10"])
@pytest.mark.parametrize("name", PEERS)
def test_a_value_equals_that_of_talib_once_seeds_are_forgotten(name: str, symbol: str) -> None:
    asked, peer = PEERS[name]
    bars = sample_source().history(symbol, date(2000, 1, 1), date(2018, 12, 31))
    # Of one index a volume is missing, after which a running sum is unknown for ever.
    bars = replace(bars, volume=np.nan_to_num(bars.volume))
    warm = INDICATORS[name].history_bars(**asked)
    found = lines_of(bars, name, asked)
    assert warm < len(bars) - 500
    for (line, ours), theirs in zip(found.items(), peer(bars), strict=True):
        known = ~np.isnan(theirs[warm:])
        assert known.mean() > 0.99
        # A sum of volumes is as large as 1e13; of a running one the library keeps sixteen digits.
        np.testing.assert_allclose(
            ours[warm:][known], theirs[warm:][known], rtol=1e-9, atol=2e-6, err_msg=f"{symbol} {line}"
        )
