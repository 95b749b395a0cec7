"""A tree of settings becomes settings; what is wrong with it is told all at once."""

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from typing import TYPE_CHECKING, Any, get_args, get_origin

from mtum.config.contradictions import contradictions, strategy_contradictions
from mtum.config.defaults import parameters
from mtum.config.kinds import Wrong, parts_of, read_fields, told
from mtum.config.names import RESERVED, SLEEVE_NAME, nearest, parameters_of, required_of, tables_in
from mtum.config.plugins import problems_of
from mtum.config.sections import MANY, RISK_OF_SLEEVES, SECTIONS, Group, Settings, SleeveSettings
from mtum.core.canonical import plain
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Strategy

if TYPE_CHECKING:
    from mtum.core.strategies.ensemble import Member


def strategy_from(name: str, parameters: Mapping[str, Any]) -> Strategy:
    """Return a strategy made of its parameters, tables of members among them.

    Raises
    ------
    ValueError
        Naming everything that is wrong.
    """
    problems: list[str] = []
    wrong: list[Wrong] = []
    made = read_fields(STRATEGIES[name], _with_members(name, parameters, "", {}, problems), "", wrong)
    if made is None or problems:
        raise ValueError("; ".join(problems or told(wrong)))
    return made


def validate(tree: Mapping[str, Any], problems: list[str]) -> Settings | None:
    """Return the settings of a tree; what is wrong is added to the problems, and None if there are no settings then."""
    given = _table(tree.get("strategy"))
    ours = parameters()
    # Ours are not made where their tables say what the defaults do, as those of a new settings file.
    named = [name for name in STRATEGIES if name not in ours or not ours[name].are(_table(given.get(name)))]
    made = {name: strategy_of(name, _table(given.get(name)), f"strategy.{name}.", given, problems) for name in named}
    strategies = {
        name: one for name, one in made.items() if name not in ours or repr(plain(one)) != repr(ours[name].defaults)
    }
    known_keys = {
        section: {key: value for key, value in values.items() if key in SECTIONS[section].__struct_fields__}
        for section, values in tree.items()
        if section in SECTIONS and isinstance(values, Mapping)
    }
    if any(tables_in(tree, "sleeve")):
        known_keys["risk"] = {**RISK_OF_SLEEVES, **known_keys.get("risk", {})}
    mode = {"mode": tree["mode"]} if "mode" in tree else {}
    problems += [
        f"{section}: input should be a table, found {tree[section]!r}; write [{section}.NAME]"
        for section in MANY
        if not isinstance(tree.get(section, {}), Mapping)
    ]
    several = {"sleeve": _sleeves(tree, known_keys.get("risk", {}), problems), "group": _groups(tree, problems)}
    wrong: list[Wrong] = []
    settings = read_fields(Settings, {**mode, **known_keys, **several, "strategy": strategies}, "", wrong)
    if settings is None:
        problems += [*told(wrong), *_also_wrong(mode, known_keys, {**several, "strategy": strategies}, wrong)]
        return None
    problems += contradictions(settings)
    if settings.portfolio.strategy in STRATEGIES and not any(tables_in(tree, "sleeve")):
        name = settings.portfolio.strategy
        problems += lacking(name, _table(given.get(name)), f"strategy.{name}.")
    return settings


def strategy_of(
    name: str, given: Mapping[str, Any], prefix: str, shared: Mapping[str, Any], problems: list[str]
) -> Strategy | None:
    """Return the strategy of these parameters; None where they are wrong, or one without a default is left out.

    Parameters
    ----------
    name : str
        Name of the strategy.
    given : mapping of str to any
        Parameters as they were given.
    prefix : str
        Where they stand, for the problems.
    shared : mapping
        The parameters that all sleeves share, by strategy: members of an ensemble override them.
    problems : list of str
        What is wrong is added to it.
    """
    known = {key: value for key, value in given.items() if key in parameters_of(name)}
    known = _with_members(name, known, prefix, shared, problems)
    # The others are judged beside values that are possible.
    lent = {key: STRATEGIES[name].EXAMPLE.settings[key] for key in required_of(name) if known.get(key) is None}
    if lent and not known:
        return None
    parameters = {**known, **_with_members(name, lent, "", {}, [])}
    wrong: list[Wrong] = []
    made = read_fields(STRATEGIES[name], parameters, "", wrong)
    if made is None:
        problems += [*told(wrong, prefix), *_beside_wrong(name, parameters, wrong, prefix)]
        return None
    problems += [f"{prefix}{problem}" for problem in problems_of(made) if not lent or problem.split()[0] in known]
    return None if lent else made


def _beside_wrong(name: str, parameters: Mapping[str, Any], told_of: list[Wrong], prefix: str) -> list[str]:
    # A value of the wrong kind must not hide that another one is out of its range.
    wrong = {one.place.partition(".")[0] for one in told_of}
    usual = {key: STRATEGIES[name].EXAMPLE.settings[key] for key in wrong & required_of(name).keys()}
    rest = {key: value for key, value in parameters.items() if key not in wrong} | usual
    made = read_fields(STRATEGIES[name], _with_members(name, rest, "", {}, []), "", [])
    if made is None:
        return []
    return [f"{prefix}{problem}" for problem in problems_of(made) if not wrong & set(problem.replace(",", " ").split())]


def _with_members(
    name: str, given: Mapping[str, Any], prefix: str, shared: Mapping[str, Any], problems: list[str]
) -> dict[str, Any]:
    # Of parameters that are strategies themselves the tables are made into them.
    listed = {key: part.kind for key, part in parts_of(STRATEGIES[name]).items() if get_origin(part.kind) is tuple}
    if not any(is_dataclass(one) for kind in listed.values() for one in get_args(kind)):
        return {**given}
    from mtum.core.strategies.ensemble import Member  # a strategy, which is made where it is asked for

    voting = {key for key, kind in listed.items() if kind == tuple[Member, ...]}
    made = {key: _members(given[key], f"{prefix}{key}", shared, problems) for key in voting & given.keys()}
    return {**given, **made}


def _members(given: object, place: str, shared: Mapping[str, Any], problems: list[str]) -> object:
    """Return tables of members with their rules made into strategies, None where that cannot be.

    What is no list of tables is left to the validation of the parameter.
    """
    if not isinstance(given, list | tuple) or not all(isinstance(one, Mapping) for one in given):
        return given
    made = [_member(table, f"{place}.{number}", shared, problems) for number, table in enumerate(given)]
    return None if None in made else tuple(made)


def _member(table: Mapping[str, Any], place: str, shared: Mapping[str, Any], problems: list[str]) -> "Member | None":
    from mtum.core.strategies.ensemble import Member, barred

    keys = parts_of(Member)
    problems += [f"{place}.{key}: unknown setting{nearest(key, keys)}" for key in table if key not in keys]
    name, rules = table.get("strategy"), _table(table.get("rules"))
    wrong: list[Wrong] = []
    voter = read_fields(Member, table, "", wrong)
    if voter is None:
        problems += told(wrong, f"{place}.")
        return None
    if barred(voter.strategy):
        problems.append(f"{place}.strategy {barred(voter.strategy)}")
        return None
    if name not in STRATEGIES:
        problems.append(f"{place}.strategy: no strategy {name!r}{nearest(str(name), STRATEGIES)}")
        return None
    if STRATEGIES[voter.strategy].OPTIONS:
        problems.append(f'{place}.strategy is "{name}", which trades options; use one that trades shares')
        return None
    known = parameters_of(voter.strategy)
    problems += [f"{place}.rules.{key}: unknown setting{nearest(key, known)}" for key in rules if key not in known]
    parameters = {**_table(shared.get(voter.strategy)), **rules}
    problems += lacking(voter.strategy, parameters, f"{place}.rules.")
    made = strategy_of(voter.strategy, parameters, f"{place}.rules.", shared, problems)
    return None if made is None else replace(voter, rules=made)


def lacking(name: str, given: Mapping[str, Any], prefix: str) -> list[str]:
    """Return the parameters without a default that a strategy to be run was not given, one line each.

    Parameters
    ----------
    name : str
        Name of the strategy.
    given : mapping of str to any
        Parameters as they were given.
    prefix : str
        Where they stand, for the messages.
    """
    missing = {key: doc for key, doc in required_of(name).items() if key not in given}
    return [f"{prefix}{key}: {name} needs it and has no default; set it ({doc})" for key, doc in missing.items()]


def _sleeves(tree: Mapping[str, Any], risk: Mapping[str, Any], problems: list[str]) -> dict[str, SleeveSettings]:
    found = {}
    for name, table in tables_in(tree, "sleeve"):
        place = f"sleeve.{name}"
        problems += _name_problems(place, name)
        strategy = table.get("strategy")
        if isinstance(strategy, str) and strategy not in STRATEGIES:
            problems.append(f"{place}.strategy: no strategy {strategy!r}{nearest(strategy, STRATEGIES)}")
        rules = None
        if isinstance(strategy, str) and strategy in STRATEGIES:
            general = tree.get("strategy", {})
            parameters = {**_table(_table(general).get(strategy)), **_table(table.get("rules"))}
            rules = strategy_of(strategy, parameters, f"{place}.rules.", _table(general), problems)
            problems += lacking(strategy, parameters, f"{place}.rules.")
        own = _table(table.get("risk"))
        limits = {**risk, **own}
        wrong: list[Wrong] = []
        sleeve = read_fields(SleeveSettings, {**table, "rules": rules, "risk": limits}, "", wrong)
        # What is wrong in [risk] is told there.
        shared = {f"risk.{key}" for key in limits if key not in own}
        problems += told((one for one in wrong if one.place not in shared), f"{place}.")
        if sleeve is not None and rules is not None:
            found[name] = sleeve
    return found


def _groups(tree: Mapping[str, Any], problems: list[str]) -> dict[str, Group]:
    found = {}
    for name, table in tables_in(tree, "group"):
        problems += _name_problems(f"group.{name}", name)
        wrong: list[Wrong] = []
        group = read_fields(Group, table, "", wrong)
        problems += told(wrong, f"group.{name}.")
        if group is not None:
            found[name] = group
    return found


def _name_problems(place: str, name: str) -> list[str]:
    if name in RESERVED:
        return [f"{place}: the name {name} is taken by the sleeve that owns the cash fund; take another"]
    if SLEEVE_NAME.fullmatch(name):
        return []
    return [f"{place}: a name is a small letter and up to 23 more small letters, digits or underscores"]


def _table(given: object) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}


def _also_wrong(
    mode: Mapping[str, Any],
    sections: Mapping[str, Mapping[str, Any]],
    others: Mapping[str, Any],
    told_of: list[Wrong],
) -> list[str]:
    # Every mistake at once: what contradicts itself among the settings that are possible by themselves.
    wrong = {".".join(one.place.split(".")[:2]) for one in told_of}
    kept = {
        section: {key: value for key, value in values.items() if f"{section}.{key}" not in wrong}
        for section, values in sections.items()
    }
    rest = read_fields(Settings, {**({} if "mode" in wrong else mode), **kept, **others}, "", [])
    if rest is None:
        return []
    found = [*contradictions(rest), *strategy_contradictions(rest)]
    return [line for line in found if not any(name in line for name in wrong)]
