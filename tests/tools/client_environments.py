"""Make the environments of the broker clients that cannot share ours.

ib_async and ib_insync overwrite each other's `eventkit`, the two official clients are both `ibapi`:
each gets a folder of its own under the given one (default `build/clients`).

Usage: python tests/tools/client_environments.py [FOLDER]
"""

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

NEEDED = ("hypothesis", "msgspec", "numpy", "pydantic", "pytest", "pytest-xdist")
"""What the adapter and its suite import beside the client library, at the versions of our own environment."""
CLIENTS = {
    "ib_async": ["ib_async==2.1.0"],
    "ib_async_adapter": ["ib_async==2.1.0", *(f"{name}=={version(name)}" for name in NEEDED)],
    "ibapi": ["ibapi==9.81.1.post1"],
    # Its metadata does not name the protobuf package that it imports.
    "nautilus_ibapi": ["nautilus-ibapi==10.46.1", "protobuf>=5.29"],
}


def main(folder: Path) -> None:
    uv = os.environ.get("UV", "uv")  # `uv run` says here which uv it is
    for name, requirements in CLIENTS.items():
        place = folder / name
        if (place / "bin" / "python").exists():
            continue
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
        line = [uv, "pip", "install", "--quiet", "--python", str(place / "bin" / "python"), *requirements]
        # The versions this project fixes are not theirs: a client of other years cannot meet them.
        with tempfile.TemporaryDirectory() as elsewhere:
            subprocess.run([*line, "--project", elsewhere], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/clients"))
