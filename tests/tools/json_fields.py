"""What the fields of every command's `--json` document mean; the tests hold every document they see against it."""

from collections.abc import Mapping
from typing import Any

_RUN = """
session | date | session that was decided; empty where none was
mode | text | practice, paper or live
account | text | the broker's account
strategy | text | strategy of the account, or of its sleeves
action | text | enter, exit, hold or none, of the whole account
reasons | list of text | why, the deciding reason first
conditions | list of condition | every condition with its value and threshold
indicators | object | what was measured, by name
orders | list of order | orders of the session
order | order or empty | the first of them
option_orders | list of option order | orders in options; only where a sleeve trades them
planned | list of object | with --dry-run: orders that would be sent
dry_run | true or false | with --dry-run: nothing was recorded
sent | number | orders that went to the broker
fills | list of fill | in practice mode: executions of the session
equity_usd, benchmark_usd | number | in practice mode: at the close
decided_at, source | instant, text | when it was decided, and on whose bars
cash_settles_by, virtual | any | when sales are paid; decided with virtual money
undecided | list of text | sleeves or symbols that could not be decided on
symbols | object | by symbol, its `indicators` and `conditions`
sleeves | object | by sleeve, its action, reasons and orders
coordination | coordination | what the account did with the wishes of its sleeves
provisional | true or false | decided on a bar that was not final
degraded | list of text | what was missing and could be done without, for instance vix
rerun | true or false | answered from the record; nothing was sent
at, runs, messages_sent | instant, list of object, number | with --if-due alone: each job with `outcome` and `text`
note | text | a word to a person, for instance that the embedded market is over
"""
_METRICS = """
final_equity_usd | number | equity at the end in USD
total_return_frac | number | return over the whole time, as a fraction
cagr_frac | number | return a year, compounded
volatility_frac | number | volatility a year
sharpe, sharpe_low, sharpe_high | number | Sharpe ratio a year with its 95 % interval
sortino | number | Sortino ratio a year
calmar | number | return a year over the maximum drawdown
var_95_frac, cvar_95_frac | number | loss of a session that one in twenty exceeds, and the mean of those
max_drawdown_frac | number | maximum drawdown, as a fraction
max_drawdown_peak, max_drawdown_trough, max_drawdown_recovery | date | peak, low, and new peak
trades, closed_trades | number | round trips in all, and those that are closed
exposure_frac | number | part of the sessions with a position
turnover_per_year | number | traded value a year over mean equity
win_rate_frac, win_rate_low, win_rate_high | number | part of the closed trades that won, with its 95 % interval
profit_factor | number | gains over losses
average_trade_usd, average_trade_frac, average_sessions_held | number | of a closed trade: profit, return, sessions held
symbol, shares, entry_cost_usd, unreinvested | any | of buy-and-hold: what was bought; the same without reinvesting
cautions | list of text | what a reader should know
costs_usd, cost_drag_frac_per_year | number | all costs, and what they took of the return a year
dividends_usd | number | dividends received
exit_reasons | list of object | by reason: `trades`, `wins`, `pnl_usd` and means
"""

SHAPES: Mapping[str, str] = {
    "problem": """
code | number | exit code it means
text | text | one plain line: the thing, what was found, what to do
""",
    "condition": """
name | text | name of the condition
role | text | entry or exit
value | number | value measured; empty when unknown
threshold | number | value it is compared with
margin | number | distance from flipping; positive when it holds
passed | true or false | whether it held
unit | text | unit of value, threshold and margin
symbol | text | symbol it is about
""",
    "order": """
id | text | id of the intent: account, session, sleeve, symbol, purpose
ref | text | reference at the broker: the intent and the attempt
session, strategy, account, symbol | text | what it was for
side, purpose | text | BUY or SELL; entry, exit or what else it was for
type | text | MOC: market on close; of what is no order ASSIGNED, EXERCISED, CROSSED or STATED
shares, filled | number | shares wanted, shares filled
status | text | where it stands, see [order statuses](tables.md#order-statuses)
reference_price | number | price of the decision in USD
reasons | list of text | why
broker_id, code, text | text | the broker's permanent id, its last code and words
attempt | number | number of the attempt
planned_at, submitted_at, updated_at | instant | recorded, about to be sent, last changed
sleeve, way, fills, final, orders | any | more of it, where a command tells it
""",
    "fill": """
exec_id | text | the broker's id of the execution
intent_id, account, strategy, symbol, side, session | text | what it belongs to
instant | instant | when it was executed
shares, price | number | shares, and USD per share
commission_usd | number | commission; empty while not known
""",
    "round trip": """
sleeve, strategy, symbol | text | whose, and in what
entry_session, entry_price | date, number | first entry fill, average entry price in USD
exit_session, exit_price | date, number | last exit fill, average exit price; empty while open
shares | number | shares opened in all; negative for a short sale
pnl_usd, return_frac | number | profit after costs, and that over the value of the entry
reason, reasons | text, list | why it was closed
sessions_held | number | sessions after the entry, up to the exit
commission_usd, costs_usd, dividends_usd | number | commissions; in a backtest all costs, and dividends received
""",
    "position": """
strategy, symbol | text | whose, and in what
shares | number | shares held; negative when short
entry_session, entry_price | date, number | first entry fill, average purchase price
commission_usd | number | commission of these shares
price_session, last_price | date, number | newest stored close
market_usd, unrealized_usd | number | worth at it, and profit or loss so far
sleeve, external | text, number | its sleeve; shares of the owner's own
""",
    "equity point": """
session, strategy | date, text | session and whose
cash_usd, receivable_usd, market_usd, equity_usd | number | cash, dividends to come, value of positions, their sum
options_usd | number | value of options, where there are any
flows_usd | number | money paid in or taken out so far
benchmark_usd | number | buy-and-hold with the same money
close, shares | number | official close and shares held
final | number | 1 once the official close is known
""",
    "level": """
when | text | which decision it would flip
symbol, condition, role, input | text | symbol, condition, entry or exit, and the value it looks at
direction | text | above or below
level, now | number | where it flips, and where it is
distance, distance_frac | number | how far that is, also as a fraction
holds_now | true or false | whether the condition holds now
alone | true or false | whether this one alone would flip the decision
""",
    "coordination": """
crosses | list of object | shares that changed sleeves at the close, with `status` and `price_usd`
cuts | list of object | purchases made smaller: `limit`, `value`, `threshold`, shares `before`, `after`
held_back | list of object | orders that did not go out, with the reason
transfers | list of object | cash that moved between sleeves: from whom, to whom, `usd`
fund | object | what was done with the cash fund
""",
    "halt": """
restriction | text | full: nothing is sent; reduce_only: no entries
why, by, since | text, text, instant | reason, who halted, since when
sleeve | text | the sleeve it is for; empty for the account
""",
    "job run": """
id | number | number of the run
job, slot, session | text | what ran, and for which session
started_at, finished_at | instant | begin and end
outcome, exit_code | text, number | how it ended
steps | object | instants of its steps, with lags in seconds
""",
    "metrics": _METRICS,
}
"""Objects that stand in several documents."""

JSON_FIELDS: Mapping[str, str] = {
    "demo": """
sessions, start, end | number, date, date | sessions played, the first and the last
strategy, market | text | strategy and embedded market
decisions, orders, fills | number | how many of each were recorded
trades | list of round trip | closed and open round trips
equity_start_usd, equity_end_usd, benchmark_end_usd | number | equity at both ends, and buy-and-hold at the end
sleeves | object | by sleeve, its equity, benchmark and number of orders
contains | object | sessions with `crosses`, `cuts`, `transfers`, `partial_fills`, `abstentions`
options | object | what happened in options, where a sleeve trades them
notes | list of text | what the market's data mean
database, report, reports, config | path | what was written; of a portfolio also its sleeves' reports
""",
    "init": """
files | list of path | files written
data_dir | path | data folder
""",
    "run": _RUN,
    "flatten": _RUN,
    "settle": """
session, mode, account, strategy | text | what was settled
orders | list of order | every order of the session, now terminal
fills | list of fill | its executions
equity_usd, benchmark_usd | number | at the close
official_close | number | of the account's one symbol; empty while not published
""",
    "status": """
mode, account, strategy, source | text | what the settings say, and where bars come from
replayed | true or false | whether market time is the embedded market's own
positions, position | list of position; position or empty | what is held, and the first of it
open_orders | list of order | orders that work at the broker
halts, halt | list of halt; text | halts in force, and the strongest in a word
others | list of text | instruments in the account that are not traded here
cash_usd | object | cash by sleeve
equity | list of equity point | newest point of each sleeve
cash_settles_by, unsettled | date, list | when sales are paid, and what is outstanding
last_run | job run | the newest job
needs | list of text | what a person has to do
next_session | object | `session`, `closes_at`, `half_day`
next_wakes | list of object | what runs next: `job`, `slot`, `session`, `at_utc`, `at_new_york`
undelivered | number | messages that wait to be delivered
paper_check | object | where the check of a paper account stands
settings_file, database | path | what was read
""",
    "sleeves": """
sleeves | list of object | each with its strategy, weight, state, money, return, drawdown, positions and last reason
equity_usd, benchmark_usd, gained_usd | number | of the account: equity, buy-and-hold, profit
return_frac, drawdown_frac | number | of the account: return since the start, current drawdown
weights | number | sum of all weights
""",
    "options": """
groups | list of object | open groups: `legs`, worth, profit, collateral, most loss, and the rule that acts `next`
sleeves | list of object | sleeves that trade options, with the session and the source of their prices
model_priced | true or false | whether a model made the prices
collateral_usd, max_loss_usd, pnl_usd | number | sums over all groups
symbol, session, sleeve, source, spot | text, number | with `chain SYMBOL`: what the decision saw
refused | text | with `chain`: why the chain could not be used
forwards | object | with `chain`: forward price by expiry
contracts | list of object | with `chain`: quote, greeks, and why a contract is out
""",
    "risk": """
equity_usd, options_usd | number | equity of the account, and what its options are worth
limits | list of object | each limit: `sleeve`, `limit`, `value`, `threshold`, `use` as a fraction
risk | object | volatility, value at risk, shortfall, beta, concentration, correlations
stresses | list of object | past crashes on today's positions: `name`, `first`, `last`, `change_frac`, `worst_frac`
unvalued | list of text | positions without a price
options | object | risk of options, where there are any
""",
    "indicators": """
symbol, source | text | whose bars, from where
frames | list of object | by timeframe: newest values, what they say, and their vote
direction | number | -1, 0 or 1: what most timeframes say
agreement | number | part of the timeframes that agree, as a fraction
""",
    "explain": """
session, strategy, action, reasons | text, list | what was decided and why
sleeve, sleeves | text, list | whose decision; with several sleeves each of them in the same form
planned | list of object | orders the decision led to
conditions | list of condition | every condition
inputs | object | by symbol, every value that was looked at, and where it came from
book | object | cash, receivables, bars to entries and exits, losses, as the decision saw them
levels | list of level | values at which a condition flips
flip, flip_note | level; text | the smallest change that flips the decision, or why there is none
made_with | object | instant, code and settings of the decision
memory | object | what the strategy remembered from before
virtual | true or false | decided with virtual money
conflicts | object | by symbol, what the members of an ensemble disagree on
options | object | groups, proposals and what was held back, where the sleeve trades options
coordination | coordination | what the account did with it
""",
    "verify": """
decisions, verified, failed | number | decisions looked at, those that replay, those that do not
books | list of text | differences between the books and the executions
sessions | list of object | by session: `replay`, `provenance`, `drift`
drift | list of text | settings or code that changed since
""",
    "report": """
session, mode, account, strategy, symbol, symbols | text, list | what it is about
action, reasons, conditions | text, list of text, list of condition | the decision
outcome | text | how the run ended
half_day, next_half_day | true or false | whether the exchange closes early
next_session, next_decision_at | date, instant | what comes next
orders, fills, position, other_positions | list of order, list of fill, position | what was done and is held
pnl | object | profit by day, week, month, year and since the start, each with its state
equity, benchmark | object | both at the close, with current and maximum drawdown
cash, owed, settles_by | list, date | changes of cash, dividends to come, when sales are paid
flips | list of level | what would change the next decision
data_quality | object | source, volume, VIX and closes, with what changed later
timings | list of object | when each step was done, in minutes before the close
drift, corrections | list | what changed since the last run; facts that came late
contracts | list of object | contracts that the broker named
backtest | object | the approved baseline beside what happened
regret | list of object | by condition, how often its last move was turned
code_version, settings_hash | text | what it was made with
sleeves, internal_orders, coordination, conflicts | object | of [several sleeves](../how-to/sleeves.md)
state, standing, undecided, options | any | of a sleeve its state and standing; what was not decided; options
""",
    "review": """
kind, first, last, complete | text, date | which review of which sessions, and whether the period is over
mode, account, strategy, symbol, symbols, replayed | text, list | what it is about
sessions, recorded | number | sessions of the period, and those with a record
equity_usd, pnl_usd, pnl_frac, benchmark_frac, drawdown_frac, exposure_frac, paid_usd | number | the period in figures
trades, open_trades | list of round trip | closed in the period, and still open
win_loss, win_loss_start | object | wins and losses of the period, and since the start
accuracy | list of object | how often each condition was right 1, 5 and 20 sessions later
missed | list of object | signals that led to no order, with cause and cost
validation | list of object | indicators computed a second way
regret | list of object | by condition, exits and entries that the next sessions turned
projection_error_frac | number | mean error of the estimated volume
slack | list of object | time left at each step before its deadline
standing, effects | list of object | against buy-and-hold; what each condition is worth
costs | object | commissions assumed and paid, slippage, fees of data
stability | list of object | steps expected and reached
audit, drift, tax, backtest | list, object | quarterly: restore drill, changes, tax lots, baseline
state, sleeves, notes, settings | any | of a sleeve its state; the reviews of the sleeves; notes; settings in force
""",
    "serve": """
address | text | where it listened
""",
    "show trades": "trades | list of round trip | oldest first",
    "show orders": "orders | list of order | oldest first",
    "show fills": "fills | list of fill | oldest first",
    "show decisions": "decisions | list of object | rows of `v_daily` with the values of each strategy",
    "show bars": "bars | list of object | columns as in the table `bars`",
    "show equity": """
equity | list of equity point | oldest first
virtual | list of object | the same while a sleeve was watched, on virtual money
""",
    "show movements": "movements | list of object | columns as in the table `cash_movements`",
    "show runs": "runs | list of job run | oldest first",
    "show notes": "notes | list of object | `session`, `symbol`, `words`, `at`",
    "show option-orders": "option_orders | list of object | each offer with its legs and net price per share",
    "show option-fills": "option_fills | list of object | leg by leg, with `contract`, `quantity`, `price`, `fee_usd`",
    "show option-trades": "option_trades | list of object | columns as in the view `v_option_trades`",
    "show backtests": "backtests | list of object | columns as in the table `studies` of research.db",
    "export trades": "",
    "export signals": "",
    "export performance": "",
    "export tax": "",
    "export options": "",
    "bars sync": """
source | text | source that was asked
symbols | list of object | by symbol: sessions read and written, revisions, splits, problems
""",
    "bars check": """
checked | list of object | by symbol and source: its span, `behind_sessions`, `problems`, `volume`
kept_out | list of object | bars that were kept out, with the `id` for `mtum bars release`
sources_apart | list of object | sessions on which two sources tell different closes
""",
    "bars import": """
symbol, source | text | whose bars it replaced
read, written, revisions | number | rows read, written, and values that changed
notes | list of text | what was noticed
""",
    "bars revisions": """
revisions | list of object | columns as in the table `bar_revisions`
""",
    "bars release": """
id, symbol, session, rule | number, text | the bar, and the rule it had broken
""",
    "strategy list": """
strategies | list of object | `name`, `from`, `code_hash`, `sleeves`, `about`
""",
    "strategy show": """
name, from, code_hash, about, doc | text | what it is and where it comes from
sleeves | list of text | sleeves that trade it
parameters | list of object | `name`, `value`, `default`, `doc`
conditions | list of object | `name`, `role`, `words`
reasons | object | by reason, its words
needs | object | symbols, other series, sessions of history, calendar, dividends
""",
    "strategy new": """
name, file, settings | text, path | the strategy, its file, the settings that name it
left_to_do | text | what could not be written into the settings
""",
    "strategy check": """
name, passed, decisions | text, true or false, number | whether it passed, and decisions tried
findings | list of object | each rule it broke: `rule`, `session`, `text`
notes | list of text | what was noticed
""",
    "strategy reload": """
files | list of object | `file`, `outcome`, `code_hash`, `text`
""",
    "backtest": """
symbol, symbols, strategy, source | text, list | what was played on which bars
start, end, sessions | date, date, number | first and last session decided, and how many
left_out | object | symbols that were left out, with the reason
settings | object | settings that shape the result
fill_model, decision_model | text | when orders fill, and what the decisions saw
trades | list of round trip | every round trip; an open one has no exit
orders | list of object | every order: `session`, `sleeve`, `symbol`, `side`, `shares`, `crossed`, `price`, `reasons`
final_equity_usd | number | equity at the end
costs | object | commissions, slippage, impact and their sum
purchases_capped | number | purchases that a limit made smaller
assumptions | list of text | what the result rests on
metrics, benchmark | metrics | of the strategy, and of buy-and-hold
seconds | object | computing time by step
sleeves | object | by sleeve: money, costs, metrics, its part of the result
watched | object | by sleeve on virtual money, the same apart
weights | object | with --out: weights of every session
coordination | coordination | over the whole time
near_close | list of object | with --decision near_close: the spread of results
checks | object | with --check: each check with its result
options | object | where options were traded: the band, fees, what ended, indexes that write options
approved, files | true or false, list of path | with --approve; with --out: what was written
id | number | number for `mtum compare`
""",
    "sweep": """
symbol, symbols, strategy, source | text, list | what was played on which bars
start, end, sessions, combinations | date, date, number, number | the time, and how many points
left_out | object | symbols that were left out, with the reason
terms | object | settings that are equal for all
best, top, neighbors | object, list | the best combination, the best ones, and those beside the best
deflated_sharpe_probability, overfitting_probability | number | that the best is no luck; that it is overfitted
median_final_equity_usd | number | of all combinations
benchmarks | list of metrics | buy-and-hold
cautions | list of text | what a reader should know
files | list of path | with --out: what was written
id | number | number for `mtum compare`
""",
    "walkforward": """
symbol, symbols, strategy, source | text, list | what was played on which bars
start, end, sessions, combinations | date, date, number, number | the time, and how many points
left_out | object | symbols that were left out, with the reason
folds | list of object | each fold: what was chosen on the past, and how it did on what follows
out_of_sample, in_sample_best | metrics | the chosen ones on unseen sessions; the best in hindsight
luck, bootstrap | object | how likely the result is luck; resampled histories
benchmarks | list of metrics | buy-and-hold
terms | object | settings that are equal for all
cautions | list of text | what a reader should know
curves | object | equity by session
files | list of path | with --out: what was written
id | number | number for `mtum compare`
""",
    "compare": """
studies | list of object | what was compared, columns as in `studies`
same | object | whether settings, code and data are equal
differences | object | by setting, its value in each
figures | object | by figure, its value in each
shared | object | the figures over the sessions they share
cautions | list of text | what a reader should know
files | list of path | with --out: what was written
""",
    "halt": """
halt | text | the strongest halt in force
halts | list of halt | every halt in force
""",
    "resume": """
decided, decided_as | text | what was lifted, and what an open question was decided as
lifted | number | halts lifted
were, halts | list of halt | halts before and after
peak_since | date | from when the peak of the drawdown limit counts
halt | text | the strongest halt that is left
""",
    "cancel": """
session | date | session of the orders
canceled | list of text | references that are canceled by fresh lists
orders | list of order | what became of each
""",
    "reconcile": """
account, mode, at | text, instant | what was compared, and when
positions | object | by symbol, ours and the broker's
others | list of text | instruments in the account that are not traded here
skipped | number | positions left out of the comparison
differences | list of object | each with `kind`, `text` and the `ways` out
accepted | text | the statement that was taken
options | object | the same for options
""",
    "approve": """
session, way | date, text | what is approved: enter or exit
sleeve, symbol | text | of whom and of what, where it was named
approved, new | true or false | approved; and whether it was not before
""",
    "note": """
id, session, symbol, words | number, date, text | what was kept
""",
    "capital": """
strategy, sleeve, kind | text | of whom; deposit or withdrawal
amount_usd, cash_usd | number | the amount, and the cash after it
session, why | date, text | from which session it counts, and your words
""",
    "doctor": """
session | date | session that was rehearsed
go | true or false | whether the run could succeed
checks | list of object | `name`, `state`, `found`, `remedy`
""",
    "paper-check": """
session, account, library | text | what was checked
steps | list of object | `name`, `passed`, `found`
at_work, all_steps | text, number | the step at work, and how many there are
codes | list of text | codes the broker sent
record | path | where it is kept
""",
    "notify test": """
channels | list of object | `name`, `delivered`, `error`
outbox_sent | number | older messages that were delivered now
reaches_somebody | true or false | whether any channel is set up
""",
    "gateway": """
port, control_port | number | where it listens
accounts, symbols | list of text | its accounts, and what it quotes
market_time, session, speed | instant, date, number | its clock
state, journal | path | its files
""",
    "backup": """
path | path | the copy
kept, removed | number, list | copies kept, and those removed
""",
    "restore": """
file, restored | path, true or false | the copy, and whether it is in place now
mode, account, last_session, decisions, fills | text, date, number | what it holds
""",
    "config show": """
file, data_dir | path | what was read
settings | object | by setting, its `value` and its `origin`
""",
    "config check": """
ok | true or false | whether the settings can be used
file, mode, settings_hash | text | what was read
warnings | list of text | what cannot work as it is meant
""",
    "config schema": "",
    "config approve": """
approved | true or false | whether it is approved now
changed | list of text | settings that differ from those approved before
watched | list of object | what watched sleeves did, beside their baseline
settings_hash | text | hash of what was approved
""",
}
"""Command -> its fields, one a line: names | type | meaning. Any document may have problems and exit_code too."""

LISTED = """
count | number | rows
source | text | sources of the bars behind it
"""
"""Fields of every `show`."""
WRITTEN_FILES = """
files | list of path | files written
rows | number | rows in them
without_commission | list of text | ids of executions whose commission is not known yet
"""
"""Fields of every `export`."""


def fields_of(text: str) -> list[tuple[list[str], str, str]]:
    """The lines of a text of fields: names, type, meaning."""
    rows = [[part.strip() for part in line.split(" | ")] for line in text.splitlines() if line]
    return [(names.split(", "), kind, meaning) for names, kind, meaning in rows]


def document_fields(command: str) -> list[tuple[list[str], str, str]]:
    """The fields of a command's document, with those of its family."""
    family = LISTED if command.startswith("show ") else WRITTEN_FILES if command.startswith("export ") else ""
    return fields_of(f"{JSON_FIELDS[command]}\n{family}")


def undocumented(command: str, document: Mapping[str, Any]) -> list[str]:
    """Fields of a document, and of the objects in it that have a table, which the reference does not list."""
    if command == "config schema":
        return []  # a JSON Schema, which has a reference of its own
    told = {name: kind for names, kind, _ in document_fields(command) for name in names}
    found = [name for name in document if name not in told and name not in ("problems", "exit_code")]
    for name, kind in told.items():
        shape = kind.removeprefix("list of ").removesuffix(" or empty")
        if shape in SHAPES:
            known = {one for names, _, _ in fields_of(SHAPES[shape]) for one in names}
            value = document.get(name)
            rows = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
            found += sorted({f"{name}.{key}" for row in rows for key in row if key not in known})
    return found
