"""A person reads sentences: every reason and condition of every strategy has words, the same wherever it is used."""

import re
from collections import defaultdict

import pytest

from mtum.core.reporting import words
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.description import ConditionSpec, Role

RAW = re.compile(r"[a-z0-9]_[a-z0-9]")
"""A name as the program has it."""


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_every_reason_and_condition_has_words_and_a_short_form_for_a_mark(name: str) -> None:
    cls = STRATEGIES[name]
    said = {word: words.reason(word) for word in cls.REASONS}
    said |= {spec.name: spec.words for spec in cls.CONDITIONS}
    assert {word: text for word, text in said.items() if not text or RAW.search(text) or text == word} == {}
    assert [word for word in said if not words.short(word) or RAW.search(words.short(word))] == []
    # What the words of a condition are for is told where they are not met, too.
    assert [one.name for one in cls.CONDITIONS if one.role is Role.ENTRY and not one.failing] == []


def test_a_reason_or_condition_that_several_strategies_use_means_the_same_in_all() -> None:
    reasons: dict[str, set[str]] = defaultdict(set)
    conditions: dict[str, set[ConditionSpec]] = defaultdict(set)
    for cls in STRATEGIES.values():
        own = {spec.name: spec.words for spec in cls.CONDITIONS}
        for word, text in cls.REASONS.items():
            reasons[word].add(text or own.get(word, ""))
        for spec in cls.CONDITIONS:
            conditions[spec.name].add(spec)
    assert {word: told for word, told in reasons.items() if len(told) > 1} == {}
    assert {word: told for word, told in conditions.items() if len(told) > 1} == {}
