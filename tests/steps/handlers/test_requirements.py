"""What a handler imports is told, or installed beside its package; pip is a script here, which tests elsewhere run."""

import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slipway_steps.adapters.handlers.scratch import Scratch, scratch
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import Place
from slipway_steps.handlers import requirements
from slipway_steps.handlers.inspection import Inspection
from slipway_steps.handlers.requirements import install, missing_faults
from slipway_steps.handlers.source import Source

PLACE = Place(file="code/inference.py", line=3)
TARGET = 'while [ "$1" != --target ]; do shift; done; target=$2'


def inspection(*required: str) -> Inspection:
    return Inspection(True, Source({}, {}), [], {"engine": PLACE, "sklearn": PLACE}, frozenset(required))


def test_a_module_that_is_nowhere_is_a_fault_and_one_that_is_required_waits() -> None:
    faults, waiting = missing_faults(inspection("scikit-learn"), ["engine", "sklearn"])
    assert [(one.code, one.place) for one in faults] == [("import-missing", PLACE)]
    assert "`engine`" in faults[0].message
    assert waiting == ["sklearn"]
    assert missing_faults(inspection(), []) == ([], [])


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "package" / "code").mkdir(parents=True)
    (tmp_path / "package" / "code" / "requirements.txt").write_text("engine==1\n")
    return tmp_path / "package"


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[Scratch]:
    with scratch(tmp_path / "store") as made:
        yield made


Installed = Callable[[str], Path | None]


@pytest.fixture
def installed(tmp_path: Path, package: Path, temporary: Scratch) -> Installed:
    """installed(lines): what is installed where these lines of shell are pip."""

    def run(lines: str) -> Path | None:
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n{lines}\n')
        python.chmod(python.stat().st_mode | stat.S_IXUSR)
        return install(package, str(python), tmp_path / "store", temporary)

    return run


def test_without_requirements_nothing_is_installed(package: Path, installed: Installed, tmp_path: Path) -> None:
    (package / "code" / "requirements.txt").unlink()
    assert installed("exit 1") is None
    assert not (tmp_path / "calls").exists()


def test_they_are_installed_once_for_each_python(installed: Installed, tmp_path: Path, package: Path) -> None:
    made = installed(f"{TARGET}; mkdir $target; touch $target/engine.py")
    assert made is not None
    assert [one.name for one in made.iterdir()] == ["engine.py"]
    assert installed("exit 1") == made
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert call.startswith("-m pip install ")
    assert call.endswith(f"-r {package}/code/requirements.txt")


def test_comments_alone_install_nothing(installed: Installed) -> None:
    made = installed("exit 0")
    assert made is not None
    assert list(made.iterdir()) == []


def test_where_another_process_is_faster_its_libraries_are_used(installed: Installed, tmp_path: Path) -> None:
    made = installed("exit 0")
    assert made is not None
    made.rmdir()
    assert installed(f"{TARGET}; mkdir $target; mkdir {made}; touch {made}/theirs") == made
    assert [one.name for one in made.iterdir()] == ["theirs"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [("echo first; echo last >&2; exit 1", "cannot be installed: last"), ("exit 1", "cannot be installed: it said")],
)
def test_a_failure_is_told_and_leaves_nothing(installed: Installed, tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        installed(lines)
    assert list((tmp_path / "store").glob("libraries-*")) == []


def test_pip_that_takes_too_long_is_ended_with_all_that_it_started(
    installed: Installed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(requirements, "INSTALL_TIMEOUT", 0.3)
    with pytest.raises(BadInput, match=r"within 0\.3 s"):
        installed(f"sleep 60 & echo $! > {tmp_path}/pid; wait")
    process = Path("/proc", (tmp_path / "pid").read_text().strip(), "stat")
    until = time.monotonic() + 5
    while process.exists() and ") Z " not in process.read_text():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_python_that_cannot_be_started_is_named(package: Path, temporary: Scratch, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="/no/python cannot be started"):
        install(package, "/no/python", tmp_path / "store", temporary)


def test_pip_reaches_its_index_and_sees_no_secret(
    installed: Installed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {"PIP_CONFIG_FILE": "c", "https_proxy": "p", "MLFLOW_TRACKING_PASSWORD": "s", "AWS_SECRET_ACCESS_KEY": "s"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    installed(f"env > {tmp_path}/seen")
    seen = dict(line.partition("=")[::2] for line in (tmp_path / "seen").read_text().splitlines())
    assert {name for name in given if name in seen} == {"PIP_CONFIG_FILE", "https_proxy"}
    assert Path(seen["TMPDIR"]).is_relative_to(tmp_path / "store")
