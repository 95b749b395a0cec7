"""Values are structs: a start of the program makes some three hundred classes, and a dataclass takes it a millisecond.

A strategy is a frozen dataclass, as a person's own is. So is a value with a field that is not given but worked out,
left out of comparisons or not shown, which a struct cannot have.
"""

import ast
from collections.abc import Iterator

from support.source_tree import definitions, modules

STRATEGIES = ("mtum/core/strategies/", "mtum/core/portfolio/fund.py")
READ_BY_PYDANTIC = ("mtum/gateway/behavior.py", "mtum/gateway/control.py", "mtum/gateway/faults.py")


def is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(one) for one in node.decorator_list)


def is_struct(node: ast.ClassDef) -> bool:
    return any(ast.unparse(one) == "Struct" for one in node.bases)


def works_a_field_out(node: ast.ClassDef) -> bool:
    """Whether a field says that it is not given, not compared or not shown."""
    calls = (one.value for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.value, ast.Call))
    return any(key.arg in ("init", "compare", "repr") for call in calls for key in call.keywords)


def classes() -> Iterator[tuple[str, str, ast.ClassDef]]:
    for module in modules("mtum", "jobs"):
        for one in definitions(module):
            if isinstance(one.node, ast.ClassDef):
                yield module.path, one.place, one.node


def test_a_dataclass_is_a_strategy_or_has_what_a_struct_cannot_have() -> None:
    working = {node.name for _, _, node in classes() if is_dataclass(node) and works_a_field_out(node)}
    others = [
        place
        for path, place, node in classes()
        if is_dataclass(node)
        and not path.startswith((*STRATEGIES, *READ_BY_PYDANTIC))
        and node.name not in working
        and not any(ast.unparse(base) in working for base in node.bases)
    ]
    assert others == []


def test_most_values_are_structs() -> None:
    structs = [place for _, place, node in classes() if is_struct(node)]
    kept = [place for path, place, node in classes() if is_dataclass(node) and not path.startswith(STRATEGIES)]
    assert len(structs) > 10 * len(kept) > 0
