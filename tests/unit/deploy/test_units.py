"""The files of deploy/: checked with the tools at hand, and against the program they start."""

import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest

from mtum.app.service.schedule import timetable, wakes
from mtum.config import KNOWN_ENVIRONMENT, Schedule, setting_names
from mtum.core.market.calendars import NEW_YORK
from mtum.errors import ExitCode
from support.exchange_sessions import xnys
from support.source_tree import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("mtum*"))
COMPOSE = (DEPLOY / "docker" / "compose.yaml").read_text(encoding="utf-8")
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text(encoding="utf-8")


def entries(unit: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "systemd" / unit).read_text(encoding="utf-8").splitlines():
        name, equals, text = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(text)
    return found


def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze")
    for unit in UNITS:
        # The program is not installed in /srv here; everything else is checked as it is.
        text = re.sub(r"/srv/mtum/\.venv/bin/\w+", sys.executable, unit.read_text(encoding="utf-8"))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    paths = [str(tmp_path / unit.name) for unit in UNITS]
    checked = subprocess.run(
        [analyze, "verify", "--man=no", *paths], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    told = [line for line in checked.stderr.splitlines() if "mtum" in line]
    assert (told, checked.returncode) == ([], 0)


def test_a_restart_is_not_tried_where_it_would_say_the_same() -> None:
    codes = {int(code) for code in entries("mtum.service")["RestartPreventExitStatus"][0].split()}
    assert codes == {ExitCode.USAGE, ExitCode.DATA, ExitCode.PERSON, ExitCode.HALTED, ExitCode.LOCKED}


def test_a_stop_waits_longer_than_the_longest_order_step() -> None:
    """From the window's opening (C - 22) to the end of the search for an answer (C - 10): twelve minutes."""
    longest = (Schedule().window_opens_minutes - 10) * 60
    assert float(entries("mtum.service")["TimeoutStopSec"][0]) > longest
    assert float(entries("mtum-due.service")["TimeoutStartSec"][0]) > longest
    grace = re.search(r"stop_grace_period: (\d+)m", COMPOSE)
    assert grace is not None
    assert int(grace.group(1)) * 60 > longest


def minute_marks(expression: str) -> set[tuple[bool, int, int]]:
    """(weekdays only, hour, minute) of a timer's line as it is written here."""
    marks = re.fullmatch(
        r"(Mon\.\.Fri )?\*-\*-\* (\d+|\*):(\d+)(?:\.\.(\d+)|/(\d+))(?::00)? America/New_York", expression
    )
    assert marks is not None, expression
    weekdays, hour, first, last, step = marks.groups()
    hours = range(24) if hour == "*" else [int(hour)]
    minutes = range(int(first), 60, int(step)) if step else range(int(first), int(last) + 1)
    return {(bool(weekdays), one, minute) for one in hours for minute in minutes}


def test_the_timer_looks_within_every_jobs_deadline_on_full_and_half_days() -> None:
    marks = set().union(*(minute_marks(line) for line in entries("mtum-due.timer")["OnCalendar"]))
    weekday = {(hour, minute) for _, hour, minute in marks}
    any_day = {(hour, minute) for only, hour, minute in marks if not only}
    sessions = xnys("2024-11-01", "2024-12-31")
    slots = timetable(Schedule())
    for day in (date(2024, 11, 25), date(2024, 11, 29), date(2024, 12, 24), date(2024, 12, 31)):
        session = sessions.get(day)
        assert session is not None
        for wake in wakes(session, sessions, slots):
            at, latest = wake.at.astimezone(NEW_YORK), wake.deadline.astimezone(NEW_YORK)
            looks = any_day if at.weekday() >= 5 else weekday
            minutes = [at + timedelta(minutes=number) for number in range(int((latest - at).total_seconds() // 60) + 1)]
            first = next((number for number, one in enumerate(minutes) if (one.hour, one.minute) in looks), None)
            assert first is not None, wake
            assert first <= (1 if wake.job in ("decide_and_order", "watch_orders") else 15), wake


def test_every_variable_of_the_templates_is_one_the_program_knows() -> None:
    known = {f"MTUM_{name.upper().replace('.', '__')}" for name in setting_names()} | KNOWN_ENVIRONMENT
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            used = set(re.findall(r"MTUM_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8")))
            assert used <= known, path


def test_the_gateway_is_not_published_and_secrets_are_files() -> None:
    # The dashboard alone, to this machine alone.
    assert re.findall(r"^\s+ports:\n\s+- (\S+)", COMPOSE, re.MULTILINE) == ["127.0.0.1:8080:8080"]
    assert COMPOSE.index("\n  dashboard:") < COMPOSE.index("\n    ports:")
    assert not re.search(r"PASSWORD: ", COMPOSE)
    assert set(re.findall(r"/run/secrets/(\w+)", COMPOSE)) == set(
        re.findall(r"^  (\w+):\n    file:", COMPOSE, re.MULTILINE)
    )


def test_every_variable_compose_asks_for_stands_in_the_template() -> None:
    template = (DEPLOY / "docker" / "env.example").read_text(encoding="utf-8")
    given = set(re.findall(r"^([A-Z_]+)=", template, re.MULTILINE))
    asked = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE))
    assert asked - given <= {"MTUM_MARKET__SOURCE"}  # has a default that fits


def copied() -> list[str]:
    lines = [line.split() for line in DOCKERFILE.splitlines() if line.startswith("COPY") and "--from" not in line]
    return [source for line in lines for source in line[1:-1]]


def test_everything_the_image_copies_exists_and_is_let_through_by_dockerignore() -> None:
    admitted = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for source in copied():
        assert (ROOT / source).exists()
        assert source in admitted


def test_the_template_names_the_user_who_reads_the_secrets() -> None:
    """Compose mounts a secret as the file it is: another owner's is not readable inside."""
    (uid,) = re.findall(r"useradd .*--uid (\d+)", DOCKERFILE)
    assert f"by {uid} (the image's)" in (DEPLOY / "docker" / "env.example").read_text(encoding="utf-8")


def test_the_image_does_not_run_as_root_and_starts_the_scheduler() -> None:
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)
    assert users[-1] == "mtum"
    assert 'ENTRYPOINT ["python", "/srv/mtum/entry.py"]' in DOCKERFILE
    assert "cp entry.py /srv/mtum/" in DOCKERFILE


def test_a_container_stays_down_after_an_exit_code_that_needs_a_person(tmp_path: Path) -> None:
    entry = runpy.run_path(str(DEPLOY / "docker" / "entry.py"))
    systemd = {int(code) for code in entries("mtum.service")["RestartPreventExitStatus"][0].split()}
    assert set(entry["FOR_A_PERSON"]) == systemd
    assert re.search(r"^    restart: on-failure$", COMPOSE, re.MULTILINE)
    line = [sys.executable, str(DEPLOY / "docker" / "entry.py"), "--config", str(tmp_path / "none.toml")]
    ended = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, "exit code 2: a restart would say the same" in ended.stderr) == (0, True)


def test_the_servers_steps_install_what_the_image_does() -> None:
    steps = (ROOT / "docs" / "how-to" / "server.md").read_text(encoding="utf-8")
    chosen = re.findall(r"runtime_requirements\.py requirements\.lock ([\w ]+?) ?>", steps + DOCKERFILE)
    assert chosen == ["hatchling apprise"] * 2
    assert "install --require-hashes -r requirements.lock" not in steps


def test_what_a_container_says_is_kept_up_to_a_limit() -> None:
    yaml = pytest.importorskip("yaml", reason="needs the package pyyaml, which apprise brings")
    for name, service in yaml.safe_load(COMPOSE)["services"].items():
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}, name


def test_the_image_installs_what_running_needs_and_no_test_tool() -> None:
    script = DEPLOY / "runtime_requirements.py"
    words = [sys.executable, str(script), str(ROOT / "requirements.lock"), "hatchling"]
    chosen = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    names = {line.split("==")[0].lower() for line in chosen.splitlines() if "==" in line and not line.startswith(" ")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = {re.split(r"[<>=]", line)[0].lower().replace("_", "-") for line in project["dependencies"]}
    assert direct <= names
    assert not names & {"pytest", "ruff", "mypy", "playwright", "arch", "hypothesis", "aiosmtpd"}
    assert chosen.count("--hash=sha256:") >= len(names)


def run_steps() -> list[str]:
    """The shell command of each RUN line, in order, continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.removeprefix("RUN ") for line in joined.splitlines() if line.startswith("RUN ")]


@pytest.mark.parametrize("number", [0, 1])
def test_every_step_of_the_image_is_shell_that_parses(number: int) -> None:
    checked = subprocess.run(["sh", "-n", "-c", run_steps()[number]], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.full
def test_the_images_build_step_works_in_a_clean_folder(tmp_path: Path) -> None:
    """As the file has it, but for the folder: a new environment of hashed requirements and the program in it."""
    place, build = tmp_path / "srv", tmp_path / "build"
    build.mkdir()
    for source in copied():
        target = build / Path(source).name
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, target)
    step = run_steps()[0].replace("/srv/mtum", str(place)).replace("python -m venv", f"{sys.executable} -m venv")
    # The one step that must reach a package index: without the guard that keeps all else from the network.
    unguarded = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    line = ["sh", "-ec", step]
    done = subprocess.run(line, cwd=build, env=unguarded, capture_output=True, text=True, check=False, timeout=900)
    if "NewConnectionError" in done.stderr or "No matching distribution" in done.stderr:
        pytest.skip("needs a package index")
    assert done.returncode == 0, done.stderr[-2000:]
    environment = {"PATH": "/usr/bin", "MTUM_DATA_DIR": str(tmp_path / "data")}
    line = [str(place / "bin" / "python"), "-m", "jobs", "--list", "--json"]
    listed = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert listed.stdout.startswith("[")
    line = [str(place / "bin" / "python"), "-c", "import apprise, mtum; print(mtum.__file__)"]
    found = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.startswith(str(place))


SERVICE_KEYS = {
    *("build", "cap_drop", "depends_on", "environment", "image", "init", "logging", "networks", "read_only", "restart"),
    *("secrets", "security_opt", "stop_grace_period", "tmpfs", "volumes"),
    *("entrypoint", "healthcheck", "mem_limit", "ports"),
}
"""Keys of a service by the Compose specification, those in use here."""


def test_compose_has_the_shape_of_the_specification() -> None:
    yaml = pytest.importorskip("yaml", reason="needs the package pyyaml, which apprise brings")
    found = yaml.safe_load(COMPOSE)
    assert set(found) == {"name", "x-logging", "services", "networks", "volumes", "secrets"}
    for name, service in found["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert "image" in service or "build" in service
        assert set(service.get("networks", ())) <= set(found["networks"])
        assert set(service.get("secrets", ())) <= set(found["secrets"])
        assert set(service.get("depends_on", ())) <= set(found["services"])
        assert all(isinstance(text, str) for text in service.get("environment", {}).values()), name
        named = [volume.split(":")[0] for volume in service.get("volumes", ()) if volume[0] not in "./"]
        assert set(named) <= set(found["volumes"])
    assert all(set(secret) == {"file"} for secret in found["secrets"].values())


@pytest.mark.full
def test_the_images_own_steps_work_in_a_clean_folder(tmp_path: Path) -> None:
    for source in copied():
        target = tmp_path / Path(source).name
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, target)
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(tmp_path / "out"), "."], cwd=tmp_path, check=True, capture_output=True)
    listed = subprocess.run(
        [sys.executable, "-m", "jobs", "--list", "--json"],
        cwd=tmp_path / "out",
        env={"PATH": "/usr/bin", "MTUM_DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.startswith("[")
