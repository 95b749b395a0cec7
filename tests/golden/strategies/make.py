"""Write the log of strategies anew: ``python tests/golden/strategies/make.py [NAME ...]`` from the project's folder.

Without a name all of them. Read the differences as a trader would before you commit them.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> None:
    """Write the logs of these strategies."""
    sys.path.insert(0, str(HERE.parents[1]))
    from mtum.core.strategies import STRATEGIES
    from support.option_log import option_log
    from support.strategy_log import log_of, variants_of

    for name in names or list(STRATEGIES):
        if STRATEGIES[name].OPTIONS:
            lines = option_log(name)
        else:
            lines = [line for variant in variants_of(name) for line in log_of(name, variant)]
        (HERE / f"{name}.txt").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
