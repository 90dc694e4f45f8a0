"""Directories at a revision, out of repositories that git itself made."""

import shutil
import subprocess
from pathlib import Path

import pytest

from slipway_steps.adapters.git.revision import export_revision, head_commit, repository_root
from slipway_steps.domain.errors import BadInput

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(directory), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three commits of perf/train.yaml; the first is tagged v0.1, and the last has a program and a link beside it."""
    root = tmp_path / "repository"
    (root / "perf").mkdir(parents=True)
    git(tmp_path, "init", "-q", "-b", "main", str(root))
    for number in (1, 2, 3):
        (root / "perf" / "train.yaml").write_text(f"revision: {number}\n")
        if number == 3:
            (root / "perf" / "run.sh").write_text("#!/bin/sh\n")
            (root / "perf" / "run.sh").chmod(0o755)
            (root / "perf" / "link.yaml").symlink_to("train.yaml")
        (root / "other.txt").write_text("beside")
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", f"revision {number}")
        if number == 1:
            git(root, "tag", "-a", "v0.1", "-m", "first")
    return root


@pytest.mark.parametrize(
    ("revision", "number"),
    [("v0.1", 1), ("HEAD", 3), ("main", 3), ("HEAD~1", 2), ("HEAD~2", 1), ("main^", 2), ("main^^", 1), ("HEAD~", 2)],
)
def test_a_directory_is_written_as_it_was(repository: Path, tmp_path: Path, revision: str, number: int) -> None:
    commit = export_revision(repository / "perf", revision, tmp_path / "out")
    assert commit == git(repository, "rev-parse", f"{revision}^{{commit}}")
    assert (tmp_path / "out" / "perf" / "train.yaml").read_text() == f"revision: {number}\n"
    assert not (tmp_path / "out" / "other.txt").exists()
    assert (repository / "perf" / "train.yaml").read_text() == "revision: 3\n"
    if number == 3:
        assert (tmp_path / "out" / "perf" / "run.sh").stat().st_mode & 0o777 == 0o755
        assert (tmp_path / "out" / "perf" / "link.yaml").read_text() == "revision: 3\n"


def test_a_short_commit_and_the_whole_repository(repository: Path, tmp_path: Path) -> None:
    short = git(repository, "rev-parse", "--short=10", "HEAD~1")
    export_revision(repository, short, tmp_path / "out")
    assert (tmp_path / "out" / "perf" / "train.yaml").read_text() == "revision: 2\n"
    assert (tmp_path / "out" / "other.txt").read_text() == "beside"
    assert repository_root(repository / "perf") == repository.resolve()


def test_a_worktree_is_a_repository_too(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "second"), "-b", "second")
    export_revision(tmp_path / "second" / "perf", "v0.1", tmp_path / "out")
    assert (tmp_path / "out" / "perf" / "train.yaml").read_text() == "revision: 1\n"


@pytest.mark.parametrize("revision", ["v0.9", "", "--help", "HEAD~99", "HEAD^{tree}", "~1", "HEAD~x"])
def test_an_unknown_revision_is_named(repository: Path, tmp_path: Path, revision: str) -> None:
    with pytest.raises(BadInput, match="has no revision"):
        export_revision(repository / "perf", revision, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_missing_is_named(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"v0\.1 has no directory later"):
        export_revision(repository / "later", "v0.1", tmp_path / "out")
    with pytest.raises(BadInput, match="in no Git repository"):
        export_revision(tmp_path, "v0.1", tmp_path / "out")


def test_the_commit_that_is_checked_out(repository: Path, tmp_path: Path) -> None:
    assert head_commit(repository / "perf") == git(repository, "rev-parse", "HEAD")
    assert head_commit(tmp_path) == ""
    git(tmp_path, "init", "-q", str(tmp_path / "empty"))
    assert head_commit(tmp_path / "empty") == ""
