"""The record of what an account planned: every input of the coordination and its outcome, and the replay of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from math import inf

from msgspec.structs import replace

from mtum.core.canonical import decode, list_in, number_in, plain, table_in, text_in
from mtum.core.coordination.account import Account, AccountPlan, AccountRules, Returns, SleeveWants
from mtum.core.coordination.coordinate import LIMITED, TOO_SMALL, FundState, coordinate, with_fund
from mtum.core.coordination.limits import CASH, VAR_SESSIONS
from mtum.core.coordination.transfers import SleeveMoney, Transfer, TransferRules, rebalanced
from mtum.core.market.bars import Bars
from mtum.core.portfolio.decision import PlannedOrder, Standing
from mtum.core.portfolio.fund import FUND, FundWait
from mtum.core.portfolio.limits import LossState, Restriction
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.record import FRAME_COLUMNS, BarsDocument, Document, bars_in

WHAT = "the frame of a stored plan"
RETURN_COLUMNS = (*FRAME_COLUMNS, "dividend")


def sessions_looked_at(rules: AccountRules) -> int:
    """Return how many bars the limits of the account look at, today's included; 0 where none looks at a history."""
    looks = rules.correlation_penalty > 0 or rules.target_volatility_frac is not None or rules.max_var_frac is not None
    return VAR_SESSIONS + 1 if looks else 0


def returns_of(bars: Mapping[str, Bars], rules: AccountRules) -> dict[str, Bars]:
    """Return the histories that these rules look at; none where no limit of them does."""
    count = sessions_looked_at(rules)
    return {symbol: each.tail(count) for symbol, each in bars.items()} if count else {}


def plan_frame(wants: Sequence[SleeveWants], account: Account, histories: Mapping[str, Bars]) -> Document:
    """Return every input of `coordinate` but the rules, which the settings of the decisions tell.

    Parameters
    ----------
    wants : sequence of SleeveWants
        What each sleeve wants, in the order of the settings.
    account : Account
        What all sleeves have in common at the decision.
    histories : mapping of symbol to Bars
        What `account.returns` was made of.
    """
    return {
        "session": account.session.isoformat(),
        "sleeves": [
            {
                "name": one.name,
                "shares": dict(sorted(one.shares.items())),
                "orders": plain(one.orders),
                "least_usd": one.least_usd,
            }
            for one in wants
        ],
        "prices": dict(sorted(account.prices.items())),
        "equity_usd": account.equity_usd,
        "cash_usd": account.cash_usd,
        "losses": plain(account.losses),
        "restriction": account.restriction.value,
        "uncrossable": dict(sorted(account.uncrossable.items())),
        "approved": {sleeve: dict(sorted(shares.items())) for sleeve, shares in sorted(account.approved.items())},
        "bars": {symbol: BarsDocument(bars, RETURN_COLUMNS) for symbol, bars in sorted(histories.items())},
        **({"options_usd": dict(sorted(account.options_usd.items()))} if account.options_usd else {}),
    }


def plan_document(plan: AccountPlan) -> Document:
    """Return what the account does as plain JSON values."""
    return {
        "orders": [
            {
                "sleeve": one.sleeve,
                **table_in(plain(one.order)),
                "crossed": one.crossed,
                "sent": one.sent,
            }
            for one in plan.orders
        ],
        "cuts": plain(plan.cuts),
        "held_back": [
            {"sleeve": sleeve, "symbol": symbol, "reason": reason} for sleeve, symbol, reason in plan.held_back
        ],
    }


def replayed_plan(frame: Mapping[str, object], sizing: Mapping[str, SizingRules], rules: AccountRules) -> Document:
    """Coordinate a stored frame again and return the outcome's document.

    Parameters
    ----------
    frame : mapping of str to object
        Inputs that were stored.
    sizing : mapping of sleeve to SizingRules
        As the settings of that session say, like `rules`.
    rules : AccountRules
        Limits on the purchases of all sleeves together; None and 1.0 mean no limit. And how their cash moves.
    """
    histories = {symbol: bars_in(symbol, stored) for symbol, stored in table_in(frame["bars"]).items()}
    wants = [_wants(table_in(stored), sizing) for stored in list_in(frame["sleeves"])]
    account = Account(
        session=date.fromisoformat(text_in(frame["session"])),
        prices=decode(dict[str, float], frame["prices"], WHAT),
        equity_usd=number_in(frame["equity_usd"]),
        cash_usd=number_in(frame["cash_usd"]),
        losses=decode(LossState, frame["losses"], WHAT),
        restriction=Restriction(text_in(frame["restriction"])),
        returns=Returns.of(histories, VAR_SESSIONS),
        uncrossable=decode(dict[str, str], frame["uncrossable"], WHAT),
        # Plans made before orders could be approved one by one have none.
        approved=decode(dict[str, dict[str, int]], frame.get("approved", {}), WHAT),
        options_usd=decode(dict[str, float], frame.get("options_usd", {}), WHAT),
    )
    plan = coordinate(wants, account, rules)
    if "fund" in frame and rules.fund is not None:
        plan = with_fund(plan, wants, account, _fund(table_in(frame["fund"]), sizing), rules.fund)
    planned = plan_document(plan)
    if "transfers" in frame:
        planned["transfers"] = transfers_document(table_in(frame["transfers"]), rules.transfers)
    return planned


def fund_frame(fund: FundState) -> Document:
    """Return what the cash fund's order rests on but the rules."""
    return {
        "symbol": fund.symbol,
        "held": fund.held,
        "settled_usd": fund.settled_usd,
        "coming_usd": fund.coming_usd,
        "buys": fund.buys,
        "sells": fund.sells,
        **({} if fund.options_usd is None else {"options_usd": fund.options_usd, "kept_usd": fund.kept_usd}),
    }


def waits_in(frame: Mapping[str, object]) -> dict[str, FundWait]:
    """Return the cash that the frame of a plan keeps out of the fund, by the sleeve whose options need it."""
    return decode(dict[str, FundWait], table_in(frame.get("fund", {})).get("waits", {}), WHAT)


def _fund(stored: Mapping[str, object], sizing: Mapping[str, SizingRules]) -> FundState:
    return FundState(
        symbol=text_in(stored["symbol"]),
        held=int(number_in(stored["held"])),
        settled_usd=number_in(stored["settled_usd"]),
        coming_usd=number_in(stored["coming_usd"]),
        sizing=sizing[FUND],
        buys=bool(stored["buys"]),
        sells=bool(stored["sells"]),
        options_usd=number_in(stored["options_usd"]) if "options_usd" in stored else None,
        kept_usd=number_in(stored.get("kept_usd", 0.0)),
    )


def transfers_frame(sleeves: Sequence[SleeveMoney], returns: Mapping[str, Sequence[float]], barred: str) -> Document:
    """Return every input of the transfers at the end of a period but the rules.

    Parameters
    ----------
    sleeves : sequence of SleeveMoney
        Money of each sleeve, in the order of the settings.
    returns : mapping of sleeve to sequence of float
        Daily returns, where the weighting looks at them.
    barred : str
        Reason word why nothing may move; empty where cash may.
    """
    return {
        "barred": barred,
        "sleeves": [
            {
                **table_in(plain(one, float)),
                **({"returns": list(returns[one.name])} if one.name in returns else {}),
            }
            for one in sleeves
        ],
    }


def transfers_document(frame: Mapping[str, object], rules: TransferRules) -> Document:
    """Return what the end of a period moves between the sleeves, and why nothing where nothing may move."""
    rows = [table_in(row) for row in list_in(frame["sleeves"])]
    sleeves = decode(tuple[SleeveMoney, ...], rows, WHAT)
    returns = {text_in(row["name"]): [number_in(one) for one in list_in(row.get("returns", []))] for row in rows}
    barred = text_in(frame["barred"])
    found = () if barred else rebalanced(sleeves, returns, rules)
    return {"barred": barred, "weighting": rules.weighting, "sleeves": plain(found)}


def transfers_in(document: Mapping[str, object]) -> tuple[Transfer, ...]:
    """Return the transfers of a stored document of them."""
    return decode(tuple[Transfer, ...], document["sleeves"], "the transfers of a stored plan")


def _wants(stored: Mapping[str, object], sizing: Mapping[str, SizingRules]) -> SleeveWants:
    name = text_in(stored["name"])
    return SleeveWants(
        name=name,
        shares=decode(dict[str, int], stored["shares"], WHAT),
        orders=decode(tuple[PlannedOrder, ...], stored["orders"], WHAT),
        sizing=sizing[name],
        least_usd=number_in(stored["least_usd"]),
    )


def cut_for_cash(plan: Mapping[str, object], sleeve: str) -> frozenset[str]:
    """Return the symbols whose purchases a sleeve could not make whole, as the account's cash was in the fund."""
    cuts = map(table_in, list_in(plan["cuts"]))
    return frozenset(text_in(cut["symbol"]) for cut in cuts if cut["sleeve"] == sleeve and cut["limit"] == CASH)


def standing_after(plan: Mapping[str, object], sleeve: str, standing: Iterable[Standing]) -> tuple[Standing, ...]:
    """Return the standing purchases of a sleeve without what a limit of the account took: that does not stand.

    What lacked cash, or another sleeve's sale kept back, stands.

    Parameters
    ----------
    plan : mapping of str to object
        The document of the plan.
    sleeve : str
        Name of the sleeve.
    standing : iterable of Standing
        Purchases that still stand.
    """
    taken: dict[str, float] = {}
    for cut in map(table_in, list_in(plan["cuts"])):
        if cut["sleeve"] == sleeve and cut["limit"] != CASH:
            lost = number_in(cut["before"]) - number_in(cut["after"])
            taken[text_in(cut["symbol"])] = taken.get(text_in(cut["symbol"]), 0.0) + lost
    for row in map(table_in, list_in(plan["held_back"])):
        if row["sleeve"] == sleeve and row["reason"] in (LIMITED, TOO_SMALL) and text_in(row["symbol"]) in taken:
            taken[text_in(row["symbol"])] = inf
    left = (replace(one, shares=int(max(0.0, one.shares - taken.get(one.symbol, 0.0)))) for one in standing)
    return tuple(one for one in left if one.shares)
