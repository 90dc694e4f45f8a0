"""`slipway test-handler --watch`: a verdict after each edit, with the model still loaded where that is right."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from handler_code import FUNCTIONS, body, code_package

COMMAND = [str(Path(sys.executable).parent / "slipway"), "test-handler", "--watch"]
MODEL = "def model_fn(model_dir):\n    time.sleep(0.5)\n    return 2"


class Watch:
    """The command in a process of its own, and the package that it watches."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.package = code_package(directory / "good", model_fn=MODEL)
        (self.package / "payloads").mkdir()
        (self.package / "payloads" / "one.json").write_text("[1, 2]")
        self.home = directory / "home"
        self.process = subprocess.Popen(
            [*COMMAND, str(self.package), *arguments],
            cwd=directory,
            env={**os.environ, "SLIPWAY_HOME": str(self.home), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip())

    def edit(self, **parts: str) -> None:
        """Write the handler in one step, as an editor does."""
        fresh = self.package / "fresh"
        fresh.write_text("\n".join({**FUNCTIONS, "model_fn": MODEL, **parts}.values()) + "\n")
        fresh.replace(self.package / "code" / "inference.py")

    def until(self, *starts: str) -> list[str]:
        """The lines up to the first that starts so."""
        found: list[str] = []
        while not found or not found[-1].startswith(starts):
            found.append(self.lines.get(timeout=20))
        return found

    def verdict(self) -> tuple[list[str], float, bool]:
        """What is said about an edit, the seconds that it took, and whether the model stayed."""
        found: list[str] = []
        while not found or " s, the model " not in found[-1]:
            found.append(self.lines.get(timeout=20))
        return found, float(found[-1].split()[0]), found[-1].endswith("stayed loaded")


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    made = Watch(tmp_path)
    made.until("passed")
    yield made
    made.process.kill()
    made.process.wait()


def test_an_edit_gets_its_verdict_with_the_model_still_loaded(watch: Watch) -> None:
    watch.edit(output_fn="def output_fn(prediction, accept):\n    return None")
    found, seconds, stayed = watch.verdict()
    assert any(line.startswith("rejected: output-none") for line in found), found
    assert stayed
    assert seconds < 3, "wanted is one second; this machine may be busy"
    watch.edit()
    found, _, stayed = watch.verdict()
    assert "passed" in found
    assert stayed

    # what loads the model has changed
    watch.edit(model_fn=MODEL.replace("return 2", "return 'xy'"), predict_fn=body("return [model for one in data]"))
    found, _, _ = watch.verdict()
    assert "passed" in found
    assert found[-1].endswith("the model was loaded again")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"head": "def broken(:"}, "rejected: syntax"),
        ({"head": "import json, os, sys, time\nsys.exit(1)"}, "rejected: "),
    ],
)
def test_an_edit_that_cannot_run_is_told_and_the_next_one_is_tested(
    watch: Watch, parts: dict[str, str], said: str
) -> None:
    watch.edit(**parts)
    found, _, _ = watch.verdict()
    assert any(line.startswith(said) for line in found), found
    assert found[-1].endswith("the model was not loaded")
    watch.edit()
    found, _, _ = watch.verdict()
    assert "passed" in found


def test_files_that_are_gone_for_a_while_do_not_end_it(watch: Watch) -> None:
    away = watch.package / "away"
    (watch.package / "code").rename(away)
    watch.until("error: ")
    away.rename(watch.package / "code")
    watch.verdict()
    assert watch.process.poll() is None


def test_samples_that_cannot_be_read_are_told_and_read_again_with_the_next_edit(tmp_path: Path) -> None:
    expectations = tmp_path / "samples" / "samples.json"
    expectations.parent.mkdir()
    expectations.write_text("{")
    (tmp_path / "samples" / "one.json").write_text("[1, 2]")
    watch = Watch(tmp_path, "--samples", str(expectations.parent))
    watch.until("error: ")
    expectations.unlink()
    watch.edit()
    found, _, _ = watch.verdict()
    watch.process.kill()
    watch.process.wait()
    assert "passed" in found


def test_each_edit_has_the_whole_time(tmp_path: Path) -> None:
    watch = Watch(tmp_path, "--timeout", "6")
    watch.until("passed")
    time.sleep(6.5)
    watch.edit(output_fn="def output_fn(prediction, accept):\n    return None")
    found, _, _ = watch.verdict()
    watch.process.kill()
    watch.process.wait()
    assert any(line.startswith("rejected: output-none") for line in found), found


def test_an_interrupt_ends_it_and_leaves_nothing(watch: Watch) -> None:
    watch.process.send_signal(signal.SIGINT)
    assert watch.process.wait(20) == 130
    assert [one.name for one in (watch.home / "handlers").iterdir() if one.name.startswith("scratch-")] == []
