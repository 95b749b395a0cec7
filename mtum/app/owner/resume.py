"""A person lets trading go on: every halt is lifted."""

from typing import Any

from mtum.app.owner.halt import in_force
from mtum.ports.store import ControlStore
from mtum.ports.time import Clock


def resume(control: ControlStore, clock: Clock) -> dict[str, Any]:
    """Lift every halt; return how many there were, what they said, and what is in force now."""
    lifted = in_force(control)["halts"]
    return {"lifted": control.resume(clock.now()), "were": lifted, **in_force(control)}
