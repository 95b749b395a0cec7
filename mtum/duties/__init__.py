"""The trading day's jobs tied to their use cases, for the scheduler and for `mtum run --if-due`."""

from mtum.duties.office import (
    Office,
    due_document,
    emergency,
    greeting,
    only_scheduler,
    set_up_logs,
    wakes_after,
)

__all__ = ["Office", "due_document", "emergency", "greeting", "only_scheduler", "set_up_logs", "wakes_after"]
