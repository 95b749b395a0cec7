"""What stands where a file is expected: the words that follow its name."""

import os
import stat
from pathlib import Path


def why_unreadable(path: Path) -> str | None:
    """Return what keeps a file from being read, in words that follow its name; None when nothing does."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if os.path.islink(path):
            return f"is a link to {os.readlink(path)}, which leads to no file"
        return "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
    if stat.S_ISDIR(mode):
        return "is a folder, not a file"
    if not stat.S_ISREG(mode):
        return "is not a regular file"
    return None if os.access(path, os.R_OK) else "cannot be read: Permission denied"
