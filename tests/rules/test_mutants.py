"""What is said of single changes of the code stays true when the code changes."""

import tomllib

from tools.mutants import STATED, named_mutants


def test_every_named_mutant_still_fits_its_file() -> None:
    rows = tomllib.loads(STATED.read_text(encoding="utf-8"))["named"]
    assert len({mutant.name for mutant in named_mutants(rows)}) == len(rows)
