"""What a person would type first: the lines at the end of a command's help."""

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "demo": (
        ("mtum demo --sessions 20", "the last 20 sessions only"),
        ("mtum demo --strategy trend_following", "a year of one strategy, with settings that suit it"),
        ("mtum demo --portfolio", "a year of four strategies in one account"),
    ),
    "run": (
        ("mtum run", "decide and order for the session at hand"),
        ("mtum run --dry-run", "decide, and order nothing"),
        ("mtum run --if-due", "whatever is due; for cron and timers"),
    ),
    "explain": (
        ("mtum explain --session 2018-02-05", "that session instead of the last one"),
        ("mtum explain --contracts", "every option contract it considered, too"),
    ),
    "verify": (("mtum verify --all", "every session, not the last one alone"),),
    "report": (("mtum report --send", "write it and mail it"),),
    "review": (("mtum review month --end 2018-03-31", "the month that day lies in"),),
    "serve": (
        ("mtum serve --open", "on this machine, in its browser"),
        ("mtum serve --config data/demo-1/config.toml --data-dir data/demo-1", "a demo instead of your own records"),
    ),
    "show": (("mtum show trades --since 2018-01-01", "round trips from that date on"),),
    "show trades": (("mtum show trades --since 2018-01-01", "round trips from that date on"),),
    "bars sync": (("mtum bars sync MTUM SPY", "these symbols instead of the strategy's own"),),
    "bars import": (("mtum bars import MTUM.csv", "one file, one symbol"),),
    "indicators": (
        ("mtum indicators SPY", "every indicator by day, week and month"),
        ("mtum indicators SPY ema macd --timeframe 1w", "two of them, by week"),
        ("mtum indicators SPY ta:supertrend", "one of pandas-ta"),
    ),
    "backtest": (
        ("mtum backtest --start 2015-01-02 --out tearsheet", "with a page to look at"),
        ("mtum backtest --set portfolio.cost_frac=0.002", "one setting changed"),
        ("mtum backtest --source csv:bars --symbol SPY", "bars of your own: bars/SPY.csv"),
        ("mtum backtest --strategy buy_and_hold --holding MTUM=25", "another strategy, and shares at the start"),
    ),
    "options": (
        ("mtum options", "open groups: what each earns, risks and waits for"),
        ("mtum options chain SPY", "contracts near the price, and why those not chosen are out"),
        ("mtum options chain SPY --all", "every contract of the chain"),
    ),
    "sweep": (("mtum sweep grid.toml --workers 2 --out swept", "on two cores"),),
    "walkforward": (("mtum walkforward grid.toml --out walked", "with a page to look at"),),
    "compare": (("mtum compare 3 7 --out compared", "with a page of their curves"),),
    "strategy": (
        ("mtum strategy new mine", "a file to begin with, named in the settings"),
        ("mtum strategy check mine", "does it keep the rules that ours keep?"),
    ),
    "flatten": (('mtum flatten MTUM --why "need the money"', "sell at the close, then no entries"),),
    "cancel": (("mtum cancel", "every working order of this program"),),
    "reconcile": (
        ("mtum reconcile", "what differs, and the ways out"),
        ("mtum reconcile --accept external MTUM 10", "10 shares are your own, never traded here"),
        ("mtum reconcile --accept renamed FB META --from 2022-06-09", "the same shares under another name"),
        ("mtum reconcile --accept merged TWTR --cash 54.20", "paid out by a merger"),
        ("mtum reconcile --accept assigned SPY260220P00640000 1", "one sold put was assigned"),
    ),
    "capital": (
        ('mtum capital add 2500 --why "monthly savings"', "money paid in"),
        ('mtum capital withdraw 500.50 --why "taxes"', "money taken out"),
    ),
    "halt": (('mtum halt --reduce-only --why "on holiday"', "no entries; exits go on"),),
    "gateway": (
        ("mtum gateway --session 2018-01-16 --minutes-to-close 25", "a market to rehearse on"),
        ("""mtum gateway --tell '{"do": "state"}'""", "ask the running one"),
    ),
    "restore": (("mtum restore mtum.db.copy --check", "is it sound, and whose is it?"),),
    "notify": (("mtum notify test", "one message on every channel"),),
    "config": (("mtum config check", "are the settings sound?"),),
}
"""Command -> lines to type, each with what it does."""


def examples(command: str, *, paragraphs: bool) -> str | None:
    """Return the examples of a command as the end of its help, or None.

    Parameters
    ----------
    command : str
        Such as ``backtest`` or ``bars sync``.
    paragraphs : bool
        A paragraph for each line, for a page that fills its lines; else lines that stay as they are.
    """
    lines = EXAMPLES.get(command)
    if lines is None:
        return None
    if paragraphs:
        return "\n\n".join(["Examples:", *(f"{line}   {what}" for line, what in lines)])
    return "\b\nExamples:" + "".join(f"\n  {line}\n      {what}" for line, what in lines)
