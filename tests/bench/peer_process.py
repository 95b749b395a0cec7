"""The same job with backtesting, as a whole process: read the CSV files, run, print JSON."""

import json
import sys
import warnings
from pathlib import Path

import pandas as pd

warnings.simplefilter("ignore")
sys.path.insert(0, str(Path(__file__).parents[2]))


def main() -> None:
    folder = Path(sys.argv[1])
    frame = pd.read_csv(folder / "AAA.csv", parse_dates=["date"], index_col="date")
    frame.columns = [name.capitalize() for name in frame.columns]
    frame["Vix"] = pd.read_csv(folder / "VIX.csv", parse_dates=["date"], index_col="date")["close"]
    from backtesting import Backtest, Strategy  # type: ignore[import-not-found]  # in the environment of the race only

    close, move = frame["Close"], frame["Close"].diff()
    gain, loss = move.clip(lower=0).rolling(14).sum(), (-move.clip(upper=0)).rolling(14).sum()
    before = close.shift()
    reach = pd.concat(
        [frame["High"] - frame["Low"], (frame["High"] - before).abs(), (frame["Low"] - before).abs()], axis=1
    )
    mean, rsi = close.rolling(50).mean().to_numpy(), (100 * gain / (gain + loss)).to_numpy()
    atr, volume = reach.max(axis=1).rolling(14).mean().to_numpy(), frame["Volume"].rolling(20).mean().to_numpy()
    vix = frame["Vix"].to_numpy()

    class Confluence(Strategy):  # type: ignore[misc]  # as above
        def init(self) -> None:
            self.target = 0.0

        def next(self) -> None:
            t = len(self.data) - 1
            now = self.data.Close[-1]
            if self.position:
                if now < mean[t] or vix[t] > 30 or rsi[t] < 30 or now >= self.target:
                    self.position.close()
            elif t >= 60 and now > mean[t] and vix[t] < 25 and rsi[t] > 50 and self.data.Volume[-1] > volume[t]:
                self.target = now + 4 * atr[t]
                self.buy(size=int(self.equity // (now * 1.006)))

    found = Backtest(frame, Confluence, cash=5000, commission=0.001, trade_on_close=True).run()
    trades = found["_trades"]
    print(
        json.dumps(
            {
                "trades": json.loads(trades.to_json(orient="records", date_format="iso")),
                "final_equity_usd": found["Equity Final [$]"],
                "metrics": {name: float(found[name]) for name in ("Sharpe Ratio", "Max. Drawdown [%]", "# Trades")},
            }
        )
    )


if __name__ == "__main__":
    main()
