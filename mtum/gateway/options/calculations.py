"""What a volatility makes an option worth, and what a price implies; and exercise, which is refused here."""

from math import exp, isfinite

import numpy as np

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import OptionContract
from mtum.core.options.european import Terms, greeks, implied_volatility
from mtum.core.options.surface import DAYS_PER_YEAR
from mtum.gateway.framing import message
from mtum.gateway.option_market import RATE
from mtum.gateway.options.details import fitting, listed
from mtum.gateway.requests import Request
from mtum.gateway.shared import Client

_CALCULATED = 53
_NO_NUMBER, _NO_GREEK = -1.0, -2.0
_OUTSIDE = "Exercise ignored because option is not in-the-money."
_REFUSED = "Exercise/Lapse failed due to server rejection."


def calculate_volatility(client: Client, request: Request) -> None:
    """Tell the volatility that a price implies; without greeks, as the broker does."""
    found = listed(client, request)
    if not found:
        return
    contract, price = found[0], request.decimal("optionPrice")
    under = float(request.decimal("underPrice") or 0)
    terms, discount = _terms(client, contract)
    implied = float(implied_volatility(terms, float(price or 0), under / discount, discount)) if under > 0 else np.nan
    told = implied if isfinite(implied) else _NO_NUMBER
    none = (_NO_GREEK, float(price or 0), _NO_NUMBER, _NO_GREEK, _NO_GREEK, _NO_GREEK)
    client.send(message("tickOptionComputation", 21, request.whole("reqId"), _CALCULATED, 0, told, *none, under))


def calculate_price(client: Client, request: Request) -> None:
    """Tell the price and the greeks that a volatility makes."""
    found = listed(client, request)
    if not found:
        return
    under, swing = float(request.decimal("underPrice") or 0), float(request.decimal("volatility") or 0)
    terms, discount = _terms(client, found[0])
    if under <= 0 or swing <= 0:
        client.error(request.whole("reqId"), 321, "Error validating request.-'bU' : cause - price or volatility")
        return
    worth = greeks(terms, under, under / discount, swing, discount)
    numbers = (float(one) for one in (worth.gamma, worth.vega, worth.theta))
    told = (swing, float(worth.delta), float(worth.price), _NO_NUMBER, *numbers)
    client.send(message("tickOptionComputation", 21, request.whole("reqId"), _CALCULATED, 0, *told, under))


def exercise(client: Client, request: Request) -> None:
    """Refuse to exercise: only nights do that here, where the holder gains by it."""
    request_id, found = request.whole("reqId"), fitting(client.shared, request.values)
    if isinstance(found, str) or not found:
        client.error(request_id, 200, "No security definition has been found for the request")
        return
    contract, spot = found[0], client.shared.options.spot(found[0].underlying)
    gain = (spot or contract.strike) - contract.strike
    inside = gain > 0 if contract.right is Right.CALL else gain < 0
    client.error(request_id, 322, f"Error processing request.-'bW' : cause - {_REFUSED if inside else _OUTSIDE}")


def _terms(client: Client, contract: OptionContract) -> tuple[Terms, float]:
    days = max(contract.days_from(client.shared.market.session.day), 1)
    years = days / DAYS_PER_YEAR
    return Terms(contract.right is Right.CALL, float(contract.strike), years), exp(-RATE * years)
