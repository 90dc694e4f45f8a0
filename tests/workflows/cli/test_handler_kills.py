"""A killed `slipway test-handler` leaves no process, no directory and no half report, whatever it was at."""

import contextlib
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from handler_code import body, code_package

CGROUPS = Path("/sys/fs/cgroup")
COMMAND = [str(Path(sys.executable).parent / "slipway"), "test-handler"]
KNOWN = {"package", "package.seal", "package.lock", "report.html"}
HERE = "open(os.environ['HOME'] + '/here', 'w')"
STAGES = {
    "unpacking": ({}, "scratch-"),
    "loading": (
        {"model_fn": "def model_fn(model_dir):\n    open(os.environ['HOME'] + '/here', 'w'); time.sleep(60)"},
        "here",
    ),
    "answering": ({"predict_fn": body("open(os.environ['HOME'] + '/here', 'w')", "time.sleep(60)")}, "here"),
}


def package(directory: Path, *, big: bool = False, **parts: str) -> Path:
    made = code_package(directory / "made", **parts)
    (made / "payloads").mkdir()
    (made / "payloads" / "one.json").write_text("[1]")
    if big:
        (made / "weights").write_bytes(os.urandom(20 << 20))
    target = directory / "model.tar.gz"
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for path in sorted(made.iterdir()):
            archive.add(path, path.name)
    return target


def started(directory: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "SLIPWAY_HOME": str(directory / "home")}
    with (directory / "said").open("ab") as said:
        return subprocess.Popen(
            [*COMMAND, *arguments], cwd=directory, env=environment, stdout=said, stderr=said, start_new_session=True
        )


def wait_for(directory: Path, name: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    home = directory / "home"
    while not any(one.startswith(name) for _, dirs, files in os.walk(home) for one in (*dirs, *files)):
        assert process.poll() is None, (directory / "said").read_text()
        assert time.monotonic() < until
        time.sleep(0.01)


def rest(directory: Path, pid: int) -> Iterator[str]:
    """What is left of a run in this directory."""
    store = directory / "home" / "handlers"
    with contextlib.suppress(FileNotFoundError):
        yield from (one.name for one in store.iterdir() if one.name.startswith("scratch-"))
        yield from (str(one) for place in store.iterdir() for one in place.iterdir() if one.name not in KNOWN)
    yield from (
        name for _, names, _ in os.walk(CGROUPS) for name in names if name.startswith(f"slipway-handler-{pid}-")
    )
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(directory) in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            yield line


def clean(directory: Path, pid: int) -> None:
    until = time.monotonic() + 15
    while left := list(rest(directory, pid)):
        assert time.monotonic() < until, left
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("stage", "sent"),
    [
        *((stage, sent) for stage in STAGES for sent in (signal.SIGKILL, signal.SIGINT)),
        ("answering", signal.SIGTERM),  # nothing of ours runs after it, as after SIGKILL
    ],
)
def test_a_kill_leaves_nothing(tmp_path: Path, stage: str, sent: signal.Signals) -> None:
    parts, mark = STAGES[stage]
    archive = package(tmp_path, big=stage == "unpacking", **parts)
    process = started(tmp_path, str(archive))
    wait_for(tmp_path, mark, process)
    process.send_signal(sent)
    code = process.wait(20)
    clean(tmp_path, process.pid)
    if sent == signal.SIGINT:
        assert code == 130
        assert (tmp_path / "said").read_text() == "\nerror: interrupted\n"
    assert not list((tmp_path / "home").rglob("report.html"))


@pytest.mark.acceptance
def test_two_at_once_test_one_package(tmp_path: Path) -> None:
    archive = package(tmp_path)
    runs = [started(tmp_path, str(archive), "--output", "json") for _ in range(2)]
    assert [run.wait(60) for run in runs] == [0, 0], (tmp_path / "said").read_text()
    clean(tmp_path, runs[0].pid)
    (place,) = (tmp_path / "home" / "handlers").iterdir()
    assert "The handler passed" in (place / "report.html").read_text()


def test_a_sample_that_goes_away_is_one_line(tmp_path: Path) -> None:
    archive = package(tmp_path, model_fn=f"def model_fn(model_dir):\n    {HERE}; time.sleep(1.5)\n    return 2")
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "a.json").write_text("[1]")
    process = started(tmp_path, str(archive), "--samples", "samples")
    wait_for(tmp_path, "here", process)
    (tmp_path / "samples" / "a.json").unlink()
    assert process.wait(30) == 1
    said = (tmp_path / "said").read_text()
    assert said.startswith("error: a sample cannot be read: ")
    assert len(said.splitlines()) == 1
    clean(tmp_path, process.pid)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    archive = package(tmp_path, big=True)
    (tmp_path / "home").mkdir()
    script = 'mount -t tmpfs -o size=1m none home && "$@"; code=$?; find home -type f; exit $code'
    command = ["unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh", *COMMAND, str(archive)]
    environment = {**os.environ, "SLIPWAY_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "No space left" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [line for line in done.stdout.splitlines() if not line.endswith("package.lock")] == []
