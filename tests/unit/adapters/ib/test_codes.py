"""Every code of the broker's tables that we know of has a row, and the row says the right thing."""

from collections.abc import Iterator

import pytest

from mtum.adapters.ib.codes import CODES, Meaning, gravest, is_read_only, row_of
from mtum.ports.broker import Accepted, NoAnswer, NotSent, Rejected
from support.gateway import Running, running_gateway
from support.ib_adapter import adapter, ticket

# Written down from the broker's documentation, apart from the table under test.
CONNECTION = [1100, 1101, 1102, 1300, 2100, 2103, 2105, 2157, 2104, 2106, 2158, 2107, 2108, 2110, 10197, 10182, 10225]
CONNECTION += [100, 101, 326, 327, 329, 501, 502, 503, 504, 505, 506, 507, 508, 509, 10328]
REQUESTS = [162, 165, 200, 203, 300, 320, 321, 322, 323, 354, 10089, 10090, 10091, 10168, 10186, 10167, 366, 420]
REQUESTS += [10187, 10189, 2119]
ORDERS = [103, 104, 105, 106, 107, 109, 110, 163, 113, 116, 133, 134, 135, 136, *range(10333, 10348), 161, 200, 201]
ORDERS += [202, 322, 323, 328, 336, 337, 338, 387, 388, 434, 435, 436, 399, 404, 411, 412, 413, 426, 2137, 460, 481]
ORDERS += [382, 383, 391, 392, 478, 10043, 10054, 10058]
ORDERS += [10147, 10148, *range(10242, 10253), 10318, 2168, 2169, 10268, 10269, 10270, 10311, 10329, 10349, 2109]

REFUSED = [104, 105, 106, 107, 109, 110, 163, 113, *range(10333, 10348), 200, 201, 203, 320, 321, 328, 336, 337, 338]
REFUSED += [387, 388, 411, 412, 413, 426, 434, 435, 436, 460, *range(10242, 10253), 10318, 2168, 2169]
REFUSED += [10268, 10269, 10270, 327, 329, 382, 383, 391, 392, 478, 10043, 10054, 10058]
DOUBTFUL = [103, 116, 133, 134, 135, 136, 161, 202, 322, 323, 10147, 10148, 10328, 1100, 504, 12345, 404, 2137]
HARMLESS = [399, 481, 10311, 10329, 10349, 2109, 165]


def test_every_known_code_has_a_row() -> None:
    assert set(CODES) == {*CONNECTION, *REQUESTS, *ORDERS}


@pytest.mark.parametrize("code", sorted({*CONNECTION, *REQUESTS, *ORDERS}))
def test_a_row_says_what_is_done_about_the_code(code: int) -> None:
    row = row_of(code)
    assert row.code == code
    assert row.words
    wanted = {
        Meaning.REJECTED: code in REFUSED,
        Meaning.GOES_ON: code not in REFUSED and code not in DOUBTFUL,
    }
    assert wanted.get(row.order, True), f"{code} about an order means {row.order.value}"


def test_an_unknown_code_is_a_doubt_about_an_order_and_a_failure_of_a_request() -> None:
    assert (row_of(54321).order, row_of(54321).alone) == (Meaning.UNKNOWN, Meaning.FAILED)


def test_a_doubt_outweighs_a_refusal_and_a_refusal_a_notice() -> None:
    assert gravest([399, 201]) is Meaning.REJECTED
    assert gravest([201, 161]) is Meaning.UNKNOWN
    assert gravest([201, 404]) is Meaning.CANCEL_IT
    assert gravest([399, 10349]) is Meaning.GOES_ON
    assert gravest([]) is Meaning.GOES_ON


def test_read_only_is_known_by_its_words() -> None:
    assert is_read_only("cause - The API interface is currently in Read-Only mode.")
    assert not is_read_only("cause - Missing order exchange")


@pytest.fixture(scope="module")
def gateway() -> Iterator[Running]:
    with running_gateway() as running:
        yield running


@pytest.mark.parametrize("code", REFUSED)
def test_an_order_refused_with_the_code_is_rejected_for_good_once_no_list_shows_it(gateway: Running, code: int) -> None:
    gateway.tell("clear_faults")
    gateway.fault("placeOrder", "reject", code=code, text="no")
    # No list that a busy machine answers late proves anything: the rejection would not be final.
    with adapter(gateway, connect_seconds=60, request_seconds=60, acknowledge_seconds=60) as ours:
        assert ours.broker.submit(ticket()) == Rejected(code, "no", final=True)


@pytest.mark.parametrize("code", [code for code in DOUBTFUL if code != 1100])
def test_with_a_doubtful_code_nothing_is_concluded(gateway: Running, code: int) -> None:
    gateway.tell("clear_faults")
    gateway.fault("placeOrder", "reject", code=code, text="who knows")
    with adapter(gateway) as ours:
        assert isinstance(ours.broker.submit(ticket()), NoAnswer)


def test_a_code_about_an_order_while_the_servers_are_lost_ends_in_doubt(gateway: Running) -> None:
    gateway.tell("clear_faults")
    gateway.fault("placeOrder", "reject", code=1100, text="lost")
    with adapter(gateway) as ours:
        assert isinstance(ours.broker.submit(ticket()), NoAnswer)
        assert isinstance(ours.broker.submit(ticket("B")), NotSent)


@pytest.mark.parametrize("code", HARMLESS)
def test_a_harmless_code_leaves_the_order_accepted(code: int) -> None:
    with running_gateway() as fresh:
        fresh.fault("placeOrder", "notice", code=code, text="just so that you know")
        with adapter(fresh) as ours:
            assert isinstance(ours.broker.submit(ticket()), Accepted)
