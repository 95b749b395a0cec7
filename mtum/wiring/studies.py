"""Where studies of history are kept: a file of the data folder that no other command opens."""

from pathlib import Path

from mtum.adapters.research_file import ResearchFile
from mtum.ports.research import StudyStore

FILE_NAME = "research.db"


def studies_in(folder: Path) -> StudyStore | None:
    """Return the studies kept in a data folder; None where there are none yet."""
    path = folder / FILE_NAME
    return ResearchFile(path) if path.exists() or path.is_symlink() else None


def new_studies(folder: Path) -> StudyStore:
    """Return where a data folder keeps studies; the file is made with the first one."""
    return ResearchFile(folder / FILE_NAME)
