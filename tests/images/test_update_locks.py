"""The monthly refresh of the locks: the images follow requirements.lock, and what a person has to look at is said."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slipway_steps.settings import PROJECT_ROOT

PROGRAM = "images/update-locks.py"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for path in [PROJECT_ROOT / "requirements.lock", *PROJECT_ROOT.glob("images/*/requirements.lock")]:
        target = tmp_path / path.relative_to(PROJECT_ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shutil.copy(PROJECT_ROOT / PROGRAM, tmp_path / PROGRAM)
    return tmp_path


def run(checkout: Path) -> str:
    done = subprocess.run([sys.executable, checkout / PROGRAM], capture_output=True, text=True, check=True)
    return done.stdout


def test_locks_that_fit_stay_as_they_are(checkout: Path) -> None:
    before = {path: path.read_bytes() for path in checkout.rglob("*.lock")}
    assert run(checkout) == ""
    assert {path: path.read_bytes() for path in checkout.rglob("*.lock")} == before


def test_a_new_version_reaches_every_image_that_has_the_package(checkout: Path) -> None:
    root = checkout / "requirements.lock"
    pinned = next(line for line in root.read_text().splitlines() if line.startswith("requests=="))
    root.write_text(root.read_text().replace(pinned, "requests==99.0.1"))
    having = {path for path in checkout.glob("images/*/requirements.lock") if pinned in path.read_text().splitlines()}
    assert having
    told = run(checkout)
    for path in having:
        assert "requests==99.0.1" in path.read_text().splitlines()
        assert f"changed {path.relative_to(checkout)}" in told
    assert len(told.splitlines()) == len(having)
    assert run(checkout) == ""


def test_a_line_with_a_hash_is_left_to_a_person(checkout: Path) -> None:
    root = checkout / "requirements.lock"
    root.write_text(root.read_text().replace("kfp-server-api==2.17.3", "kfp-server-api==2.18.0"))
    before = (checkout / "images/train/requirements.lock").read_text()
    assert "look at images/train: kfp-server-api 2.17.3 has a hash; 2.18.0 is the newest" in run(checkout)
    assert (checkout / "images/train/requirements.lock").read_text() == before
