"""Whose records are these?"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtum.config import Settings


def ownership_problems(settings: "Settings", mode: str | None, account: str | None) -> list[str]:
    """Return how a database's stamp of mode and account contradicts the settings."""
    lines = []
    if mode is not None and mode != settings.mode:
        lines.append(f'the database belongs to mode "{mode}", the settings say "{settings.mode}"')
    elif account and settings.mode != "practice" and account != settings.broker.account:
        lines.append(f'the database belongs to account {account}, the settings say "{settings.broker.account}"')
    return [f"{line}; give each its own --data-dir" for line in lines]
