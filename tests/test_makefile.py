"""The targets of the Makefile that ask an index, with programs that answer as the real ones do."""

import shutil
import subprocess
from pathlib import Path

import pytest

from slipway_steps.settings import PROJECT_ROOT

PIP_AUDIT = """#!/bin/sh
for one in "$@"; do last="$one"; [ "$one" = --strict ] && strict=1; done
cp "$last" asked.txt
[ -z "$KNOWN" ] && [ -n "$strict" ] && { echo "ERROR: torch: Dependency not found and could not be audited"; exit 1; }
echo "No known vulnerabilities found"
"""
PYTHON = """#!/bin/sh
case "$*" in
  *"-m venv"*) for last in "$@"; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python" ;;
  *"pip freeze"*) printf 'Zope==1\\ntorch==2.13.0+cpu\\nabc==1.0\\n' ;;
  *) echo "$@" >> asked.txt ;;
esac
"""
SLIPWAY = '#!/bin/sh\necho "$@" >> validated.txt\n'


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A directory with the Makefile and the locks."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "images/mlflow/requirements.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT_ROOT / name, tmp_path / name)
    return tmp_path


def make(checkout: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["make", *arguments], cwd=checkout, capture_output=True, text=True, check=False)


def test_an_audit_that_could_look_up_nothing_is_no_pass(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(checkout / ".venv/audit/bin/pip-audit", PIP_AUDIT)
    found = make(checkout, "audit")
    assert found.returncode
    assert "could not be audited" in found.stdout
    monkeypatch.setenv("KNOWN", "all")
    assert make(checkout, "audit").returncode == 0


def test_the_audit_is_asked_for_each_locked_package_without_a_local_version(checkout: Path) -> None:
    program(checkout / ".venv/audit/bin/pip-audit", PIP_AUDIT)
    (checkout / "requirements.lock").write_text("torch==2.13.0+cpu\npyyaml==6.0.3\n")
    make(checkout, "audit")
    asked = (checkout / "asked.txt").read_text().splitlines()
    assert {"torch==2.13.0", "pyyaml==6.0.3"} <= set(asked)
    assert len(asked) > 10, "the images' packages are among them"
    assert not [one for one in asked if "+" in one]


def test_a_lock_names_versions_that_every_index_has(checkout: Path) -> None:
    found = make(checkout, "lock", f"PYTHON={program(checkout / 'bin/python3', PYTHON)}")
    assert found.returncode == 0, found.stderr
    assert (checkout / "requirements.lock").read_text() == "abc==1.0\ntorch==2.13.0\nZope==1\n"


@pytest.mark.parametrize(("version", "installed"), [("3.3.30", False), ("1.0.0", True)])
def test_checkov_is_set_up_once_and_then_asked(checkout: Path, version: str, installed: bool) -> None:
    program(checkout / ".venv/checkov/bin/checkov", f"#!/bin/sh\necho {version}\n")
    program(checkout / "own/slipway", SLIPWAY)
    python = program(checkout / "bin/python3", PYTHON)
    found = make(checkout, "-o", ".venv/.platform", "policies", f"PYTHON={python}", "BIN=own")
    assert found.returncode == 0, found.stderr
    asked = (checkout / "asked.txt").read_text() if (checkout / "asked.txt").exists() else ""
    assert ("checkov==3.3.30" in asked) == installed
    assert (
        (checkout / "validated.txt").read_text().startswith("validate-deployment images compose.yaml charts/platform")
    )
