"""Option contracts on the wire: chains, contract details, price steps."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from mtum.core.market.calendars import NEW_YORK
from mtum.core.options.contracts import CLASSES, OptionContract
from mtum.core.simulation.options.venue import steps_of
from mtum.gateway.contracts import Listing, liquid_hours, listing_of, trading_hours
from mtum.gateway.framing import Field, message
from mtum.gateway.messages import contract_data
from mtum.gateway.requests import Request
from mtum.gateway.shared import Client, Shared

VENUES = ("CBOE", "ISE", "SMART", "AMEX", "PHLX", "BOX")
"""In the order in which a chain is told: the one to take is neither the first nor the last."""
CENT, CENT_AND_NICKEL, NICKEL_AND_DIME = 26, 32, 109
RULES = {
    CENT: steps_of("SPY"),
    CENT_AND_NICKEL: steps_of("VIX"),
    NICKEL_AND_DIME: steps_of("any other"),
}
"""From so many USD, the step of a price, by the number of the rule."""
LATE_CLOSE = timedelta(minutes=15)
"""After the close of shares, until which options on broad funds and on indexes trade."""
LATE = frozenset({"SPY", "QQQ", "IWM", "DIA", "EEM", "EFA", "TLT", *CLASSES})
_OUTSIDE_RULE = NICKEL_AND_DIME
_NOTHING = "No security definition has been found for the request"
_NO_BAG = "Error validating request.-'bT' : cause - Please enter a valid security type"
CONFLICT = "Parameters in request conflicts with contract parameters received by contract id"
OPTION_KINDS = ("OPT", "FOP", "BAG")


def concerns_options(client: Client, request: Request) -> bool:
    """Whether the contract of a request is an option or a combination, by its kind or by its number."""
    if request.text("secType") in OPTION_KINDS:
        return True
    number = request.text("conId")
    return number.isdigit() and client.shared.options.contract(int(number)) is not None


def chain(client: Client, request: Request) -> None:
    """Rows of what is listed on an underlying, one by venue and class; the end alone where nothing is."""
    request_id, symbol = request.whole("reqId"), request.text("symbol")
    known = client.shared.market.listings.get(symbol)
    asked = (request.text("secType"), request.whole("conId"))
    if known is not None and asked == (known.sec_type, known.con_id) and not request.text("exchange"):
        for exchange, trading_class, contracts in _rows(client.shared, symbol):
            expiries = sorted({f"{one.expiry:%Y%m%d}" for one in contracts})
            strikes: Sequence[Field] = sorted({one.strike for one in contracts})
            fields: list[Field] = [request_id, exchange, known.con_id, trading_class, "100"]
            told = [*fields, len(expiries), *expiries, len(strikes), *strikes]
            client.send(message("secDefOptParams", 75, *told))
    client.send(message("secDefOptParamsEnd", 76, request_id))


def _rows(shared: Shared, symbol: str) -> Iterable[tuple[str, str, list[OptionContract]]]:
    by_class: dict[str, list[OptionContract]] = {}
    for contract in shared.options.contracts(symbol):
        by_class.setdefault(contract.trading_class, []).append(contract)
    for contract in shared.options.odd_ones(symbol):
        yield "SMART", contract.trading_class, [contract]
    twice = symbol in shared.behavior.doubled_chains
    for venue in (*VENUES, *(["SMART"] if twice else [])):
        for trading_class, contracts in by_class.items():
            yield venue, trading_class, contracts


def contract_details(client: Client, request: Request) -> None:
    """Every living contract that fits, or the error that a real gateway gives."""
    request_id = request.whole("reqId")
    if request.text("secType") == "BAG":
        client.error(request_id, 321, _NO_BAG)
        return
    found = listed(client, request)
    for contract in found:
        _send_details(client, request_id, contract)
    if found:
        client.send(message("contractDataEnd", 52, 1, request_id))


def listed(client: Client, request: Request) -> list[OptionContract]:
    """Contracts that fit a request; sends the error when there is none."""
    found = fitting(client.shared, request.values)
    if isinstance(found, str):
        client.error(request.whole("reqId"), 478, found)
        return []
    if not found:
        client.error(request.whole("reqId"), 200, _NOTHING)
    return found


def fitting(shared: Shared, asked: Mapping[str, str]) -> list[OptionContract] | str:
    """Living contracts that fit the contract fields of a request; text if its number and another field disagree."""
    number = asked.get("conId", "")
    if number not in ("", "0"):
        known = shared.options.contract(int(number)) if number.isdigit() else None
        if known is None:
            return []
        wrong = [name for name in ("expiry", "strike", "right", "tradingClass") if not _fits(known, asked, name)]
        return f"{CONFLICT}: {', '.join(wrong)}" if wrong else [known]
    symbol = asked.get("symbol", "") or (asked.get("localSymbol", "")[:6].strip())
    names = ("expiry", "strike", "right", "tradingClass", "multiplier", "localSymbol", "exchange", "currency")
    every = (*shared.options.contracts(symbol), *shared.options.odd_ones(symbol))
    return [one for one in every if all(_fits(one, asked, name) for name in names)]


def _fits(contract: OptionContract, asked: Mapping[str, str], name: str) -> bool:
    text = asked.get(name, "")
    if not text:
        return True
    if name == "strike":
        return Decimal(text) in (Decimal(0), contract.strike)
    if name == "right":
        return text in {"0", "?"} or text[0] == contract.right.value
    if name == "expiry":
        return f"{contract.expiry:%Y%m%d}".startswith(text.split(" ")[0])
    known = {
        "tradingClass": {contract.trading_class},
        "multiplier": {"100"},
        "localSymbol": {contract.local_symbol},
        "exchange": set(VENUES),
        "currency": {contract.currency},
    }
    return text in known[name]


def option_listing(contract: OptionContract) -> Listing:
    """Contract as the other messages tell it."""
    return listing_of(contract.local_symbol)


def rule_of(contract: OptionContract) -> int:
    """Number of the rule for the steps of its price on SMART."""
    steps = steps_of(contract.underlying)
    return next((number for number, known in RULES.items() if known == steps), NICKEL_AND_DIME)


def market_rule(client: Client, request: Request) -> None:
    """Price steps of a rule; one cent everywhere for a number that is not known."""
    number = request.whole("ruleId") or CENT
    steps = RULES.get(number, RULES[CENT])
    client.send(message("marketRule", 93, number, len(steps), *(float(one) for step in steps for one in step)))


def _send_details(client: Client, request_id: int, contract: OptionContract) -> None:
    shared, listing = client.shared, option_listing(contract)
    sessions, today = shared.market.source.sessions, shared.market.today
    later = LATE_CLOSE if contract.underlying in LATE else timedelta(0)
    hours = (trading_hours(sessions, today), liquid_hours(sessions, today, later=later))
    under = shared.market.listings[contract.underlying]
    ends = sessions.get(contract.expiry)
    close = f"{ends.close.astimezone(NEW_YORK):%H:%M:%S}" if ends else "16:00:00"
    over = ends is not None and shared.market.clock.now() >= ends.close
    expiry = f"{contract.expiry:%Y%m%d}"
    told: dict[str, Field] = {
        "expiry": expiry if over else f"{expiry} {close} US/Eastern",
        "strike": contract.strike,
        "right": contract.right.value,
        "multiplier": "100",
        "localSymbol": contract.local_symbol,
        "minTick": RULES[rule_of(contract)][0][1],
        "orderTypes": "LMT,MKT",
        "validExchanges": ",".join(("SMART", *(one for one in VENUES if one != "SMART"))),
        "underConId": under.con_id,
        "underSymbol": contract.underlying,
        "underSecType": under.sec_type,
        "contractMonth": f"{contract.settles:%Y%m}",
        "realExpirationDate": f"{contract.settles:%Y%m%d}",
        "marketRuleIds": ",".join([str(rule_of(contract)), *[str(_OUTSIDE_RULE)] * (len(VENUES) - 1)]),
        "suggestedSizeIncrement": 1,
    }
    client.send(contract_data(request_id, listing, hours, client.version, told))
