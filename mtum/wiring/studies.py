"""Where studies of history are kept: a file of the data folder that no other command opens."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
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


def sheet_policy() -> str:
    """Return the policy under which a browser may show a tear sheet: apart from every other page, with its own script.

    Its charts have styles in their elements, which no hash can name.
    """
    script = (files("mtum.adapters.rendering") / "templates" / "page.js").read_text(encoding="utf-8")
    mark = b64encode(sha256(f"\n{script.rstrip()}".encode()).digest()).decode()
    return (
        "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src 'sha256-{mark}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
