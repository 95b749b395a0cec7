"""The contracts chosen from a read chain, every one that was considered, and the filter that removed each."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from msgspec import Struct

from mtum.core.conditions import Condition, above, at_least, at_most
from mtum.core.market.instruments import Right
from mtum.core.options.chain import ReadChain, Reading, Row, WidthRule, illiquid
from mtum.core.options.contracts import OptionContract

type Filter = Callable[[Reading], Condition]
type Check = Callable[["Structure"], Condition]


class Window(Struct, frozen=True):
    """Calendar days to expiry that are allowed, and those that are sought; both ends belong to it.

    Parameters
    ----------
    first, last : int
        Fewest and most days.
    sought : int
        The expiry nearest to it is taken, of two as near the earlier.
    """

    first: int
    last: int
    sought: int


class Role(Struct, frozen=True):
    """A leg that is sought.

    Parameters
    ----------
    delta : float
        Absolute delta that the leg comes nearest to; of two as near the one farther out of the money is taken.
    width : WidthRule
        How wide its quote may be.
    least_open_interest : int
        Contracts; one whose open interest is unknown does not exist.
    filters : tuple of Filter
        What else it has to pass.
    beyond : (int, float) or None
        Place among the roles of a leg that this one lies farther out of the money than, and by how many USD per share
        at most.
    """

    right: Right
    bought: bool
    delta: float
    width: WidthRule
    least_open_interest: int = 0
    filters: tuple[Filter, ...] = ()
    beyond: tuple[int, float] | None = None


class ChosenLeg(Struct, frozen=True):
    """A contract to buy or to sell, one for each unit of the structure."""

    reading: Reading
    bought: bool

    @property
    def contract(self) -> OptionContract:
        """What is bought or sold."""
        return self.reading.row.contract

    @property
    def strike(self) -> float:
        """USD per share."""
        return float(self.contract.strike)


class Structure(Struct, frozen=True):
    """Legs that are traded as one; how many of it is the caller's to say."""

    legs: tuple[ChosenLeg, ...]

    @property
    def net(self) -> float:
        """What it costs at the middle, USD per share, rounded to 1e-6; a credit is below 0."""
        return round(sum(leg.reading.mid if leg.bought else -leg.reading.mid for leg in self.legs), 6)

    @property
    def credit(self) -> float:
        """What it brings at the middle, USD per share."""
        return -self.net

    @property
    def width(self) -> float:
        """Distance of the strikes of one right, the wider of two, USD per share; 0 for a single leg."""
        strikes = [[leg.strike for leg in self.legs if leg.contract.right is right] for right in Right]
        return round(max(max(one) - min(one) for one in strikes if one), 6)

    @property
    def max_loss(self) -> float:
        """Most that a structure of defined risk loses, USD per share."""
        return round(self.width + self.net if self.net < 0 else self.net, 6)


class Considered(Struct, frozen=True):
    """A contract that was looked at for a leg.

    Parameters
    ----------
    bought : bool
        Whether it was looked at to be bought.
    removed_by : Condition or None
        Filter that it did not pass, the first of them; None for a chosen one.
    """

    contract: OptionContract
    bought: bool
    removed_by: Condition | None


class Selection(Struct, frozen=True):
    """What was chosen, and why not another.

    Parameters
    ----------
    chosen : Structure or None
        None if nothing is left; nothing falls back past a filter.
    considered : tuple of Considered
        By expiry, right, strike and number.
    tried : tuple of (Structure, Condition or None)
        Whole structures, the nearest expiry first, and the check that removed each.
    emptied_by : Condition or None
        Where nothing is chosen: the filter that removed the last that was left.
    refused : str or None
        Why the chain was not looked at.
    """

    chosen: Structure | None = None
    considered: tuple[Considered, ...] = ()
    tried: tuple[tuple[Structure, Condition | None], ...] = ()
    emptied_by: Condition | None = None
    refused: str | None = None


class _Judged(Struct):
    row: Row
    reading: Reading | None
    role: int
    depth: int  # filters passed; what is out for another leg's sake has passed them all
    removed_by: Condition | None = None


def choose(found: ReadChain, window: Window, roles: Sequence[Role], checks: Sequence[Check] = ()) -> Selection:
    """Choose one structure, all legs of one expiry and class.

    The expiry is the one nearest to what is sought of those that have a structure which passes everything.

    Parameters
    ----------
    found : ReadChain
        A chain read: our numbers by contract, and why others have none.
    window : Window
        Days to expiry.
    roles : sequence of Role
        Legs; one that lies beyond another comes after it.
    checks : sequence of Check
        What the structure as a whole has to pass.
    """
    sold = next((role.width for role in roles if not role.bought), roles[0].width)
    if (refused := illiquid(found, sold)) is not None:
        return Selection(refused=refused)
    judged = [
        _judge(found, row, place, filters)
        for place, role in enumerate(roles)
        for filters in (_filters(role, window),)
        for row in found.chain.rows
        if row.contract.right is role.right
    ]
    groups: dict[tuple[date, str], list[_Judged]] = {}
    for one in judged:
        groups.setdefault((one.row.contract.expiry, one.row.contract.trading_class), []).append(one)
    tried: list[tuple[Structure, Condition | None]] = []
    lacking: list[tuple[int, Sequence[_Judged]]] = []
    chosen: Structure | None = None
    for group in sorted(groups, key=lambda key: (_distance(found, key[0], window), *key)):
        picked = _legs_of(groups[group], roles)
        if len(picked) < len(roles):
            lacking.append((len(picked), groups[group]))
            continue
        structure = Structure(tuple(_leg(one, roles) for one in picked))
        failed = next((check for judge in checks if not (check := judge(structure)).passed), None)
        if failed is None and chosen is not None:
            nearest = chosen.legs[0].contract.expiry
            failed = _lost("nearest_expiry", *(_distance(found, day, window) for day in (group[0], nearest)))
        elif failed is None:
            chosen = structure
        for one in picked:
            one.removed_by = failed
        tried.append((structure, failed))
    order = sorted(judged, key=lambda one: (*_place(one.row.contract), one.role))
    considered = tuple(Considered(one.row.contract, roles[one.role].bought, one.removed_by) for one in order)
    emptied_by = None if chosen else tried[0][1] if tried else _emptied_by(lacking)
    return Selection(chosen, considered, tuple(tried), emptied_by)


def magnitude(reading: Reading) -> float | None:
    """Return the absolute delta, rounded to 1e-6; None where it is unknown."""
    return None if reading.delta is None else round(abs(reading.delta), 6)


def _filters(role: Role, window: Window) -> tuple[Filter, ...]:
    # What every leg has to pass comes first, so that a record says of a contract what is wrong with it in itself.
    return (
        lambda one: role.width.allows(one.row.quote),
        lambda one: at_least("delta_known", magnitude(one), 0.0),
        lambda one: at_least("open_interest", one.row.open_interest, role.least_open_interest),
        lambda one: at_least("first_days", one.days, window.first),
        lambda one: at_most("last_days", one.days, window.last),
        *role.filters,
    )


def _judge(found: ReadChain, row: Row, place: int, filters: Sequence[Filter]) -> _Judged:
    number = row.contract.con_id
    if number not in found.readings:
        return _Judged(row, None, place, 0, Condition(found.without[number], None, None, None, passed=False))
    reading = found.readings[number]
    for passed, judge in enumerate(filters, 1):
        if not (condition := judge(reading)).passed:
            return _Judged(row, reading, place, passed, condition)
    return _Judged(row, reading, place, len(filters) + 1)


def _legs_of(group: Sequence[_Judged], roles: Sequence[Role]) -> list[_Judged]:
    # The legs up to the first that nothing is left for; says of every other contract why it is none of them.
    picked: list[_Judged] = []
    for place, role in enumerate(roles):
        left = [one for one in group if one.role == place and one.removed_by is None]
        if len(picked) < place:
            _leave(left)
            continue
        if role.beyond is not None:
            left = _beyond(left, picked[role.beyond[0]], role.beyond[1])
        if not left:
            _leave(picked)
            continue
        best = min(left, key=lambda one: _rank(one, role))
        for one in left:
            if one is not best:
                one.removed_by = _lost("nearest_delta", _rank(one, role)[0], _rank(best, role)[0])
        picked.append(best)
    return picked


def _leave(left: Iterable[_Judged]) -> None:
    for one in left:
        one.removed_by = Condition("other_leg", None, None, None, passed=False)


def _beyond(left: Sequence[_Judged], near: _Judged, most: float) -> list[_Judged]:
    inside = float(near.row.contract.strike)
    kept = []
    for one in left:
        strike = float(one.row.contract.strike)
        away = round(strike - inside if one.row.contract.right is Right.CALL else inside - strike, 6)
        judges = (above("beyond", away, 0.0), at_most("wing", away, round(most, 6)))
        one.removed_by = next((condition for condition in judges if not condition.passed), None)
        one.depth = one.depth if judges[0].passed else -1  # what lies inside was never a candidate
        if one.removed_by is None:
            kept.append(one)
    return kept


def _rank(one: _Judged, role: Role) -> tuple[float, float, float, int]:
    # From the delta that is sought; then the smaller one, the farther strike, the lower number.
    contract = one.row.contract
    delta = (one.reading and magnitude(one.reading)) or 0.0
    farther = float(contract.strike) * (-1.0 if contract.right is Right.CALL else 1.0)
    return round(abs(delta - role.delta), 6), delta, farther, contract.con_id


def _lost(name: str, value: float, least: float) -> Condition:
    return Condition(name, value, least, round(least - value, 6), passed=False)


def _leg(one: _Judged, roles: Sequence[Role]) -> ChosenLeg:
    if one.reading is None:
        raise ValueError(f"{one.row.contract.words} has no reading")
    return ChosenLeg(one.reading, roles[one.role].bought)


def _distance(found: ReadChain, expiry: date, window: Window) -> int:
    return abs((expiry - found.chain.session).days - window.sought)


def _place(contract: OptionContract) -> tuple[date, str, float, int]:
    return contract.expiry, contract.right.value, float(contract.strike), contract.con_id


def _emptied_by(lacking: Sequence[tuple[int, Sequence[_Judged]]]) -> Condition | None:
    # Where most legs were found, the filter that was reached last for the next one.
    most = max((place for place, _ in lacking), default=0)
    out = [one for place, group in lacking if place == most for one in group if one.role == most]
    return max(out, key=lambda one: one.depth).removed_by if out else None
