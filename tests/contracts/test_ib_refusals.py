"""What stands in the way of a connection: one clear line, in bounded time, nothing sent."""

from decimal import Decimal
from time import monotonic
from typing import Any

import pytest

from mtum.core.portfolio.money import AccountKind
from mtum.core.simulation.exchange_state import ExchangeAccount
from mtum.errors import BrokerUnavailableError
from support.gateway import running_gateway
from support.ib_adapter import adapter
from support.ports import closed_port


def refused(port: int, **broker: Any) -> str:
    began = monotonic()
    with pytest.raises(BrokerUnavailableError) as error, adapter(port, **broker):
        pass
    assert monotonic() - began < 6
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_closed_port_names_the_port_and_what_to_check() -> None:
    port = closed_port()
    assert f"no gateway listens at 127.0.0.1:{port}" in refused(port)


@pytest.mark.parametrize("login", ["silent", "cut"])
def test_a_silent_gateway_and_a_cut_login_end_in_time(login: str) -> None:
    with running_gateway() as gateway:
        gateway.tell("behavior", login=login)
        assert "did not complete the login within 1.5 s" in refused(gateway.port, connect_seconds=1.5)


def test_a_client_id_in_use_is_tried_again_with_the_same_id_then_told() -> None:
    with running_gateway() as gateway, adapter(gateway):
        assert "client id 17 is in use" in refused(gateway.port, connect_seconds=1.5)
        tried = [entry for entry in gateway.entries("request") if entry["name"] == "startApi"]
    assert len(tried) >= 3


def test_another_account_than_the_logins_is_refused() -> None:
    with running_gateway() as gateway:
        assert "account DU1 is not among this login's (DUP100001)" in refused(gateway.port, account="DU1")


def test_a_paper_account_in_live_mode_is_refused_and_a_live_one_in_paper_mode() -> None:
    with running_gateway(accounts=(ExchangeAccount("U1", AccountKind.CASH, Decimal(5000)),)) as gateway:
        assert "U1 is a live account, but the mode needs a paper one" in refused(gateway.port, account="U1")
