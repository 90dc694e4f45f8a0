"""A disk that gets full is broken, and never a pipeline that failed: in the driver, the engine and outputs of steps."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_disk import fill, small_disk

from slipway_steps.adapters.targets.local_disk import SCARCE_BYTES, SCARCE_SHARE, told_in
from slipway_steps.adapters.targets.local_engine import LocalEngineTarget
from slipway_steps.domain.errors import Broken
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import RunOutcome, RunSample
from slipway_steps.settings import Settings

SESSION = "perf-fulld"
SCENARIO = PerfScenario.model_validate({"mode": "PIPELINE_RUN", "pipelineFileName": "pipeline.yaml"})


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "small", "2m") as found:
        yield found


def pipeline(tmp_path: Path, script: str) -> Path:
    out = {"artifacts": [{"name": "out", "path": "/tmp/out", "optional": True}]}
    work = {"image": "busybox:1", "command": ["sh", "-c"], "args": [script]}
    templates = [
        {"name": "main", "steps": [[{"name": name, "template": "work"}] for name in ("first", "second")]},
        {"name": "work", "container": work, "outputs": out},
    ]
    spec = {"entrypoint": "main", "templates": templates}
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps({"kind": "Workflow", "metadata": {"generateName": "full-"}, "spec": spec}))
    return path


def run(target: LocalEngineTarget) -> RunSample:
    name = target.submit({})
    assert target.wait(name, time.time() + 60)
    return target.read(name)


@pytest.mark.parametrize(
    "script",
    [
        "cat /dev/zero > /tmp/out",
        "cat /dev/zero > /tmp/out; sleep 1; rm /tmp/out; exit 3",
        "cat /dev/zero",
        "cat /dev/zero > /tmp/out || true; exit 0",
    ],
)
def test_a_step_that_fills_the_disk_is_broken(tmp_path: Path, disk: Path, script: str) -> None:
    target = LocalEngineTarget(Settings(home=disk))
    try:
        target.prepare(SESSION, SCENARIO, pipeline(tmp_path, f"{script}"))
        sample = run(target)
        assert sample.outcome is RunOutcome.BROKEN, sample
        assert "No space left on device" in sample.message
        assert not sample.metrics
    finally:
        target.remove(SESSION)


@pytest.mark.parametrize("leave", [0, 8, 48])
def test_whatever_is_left_of_a_disk_no_run_counts_as_failed(tmp_path: Path, disk: Path, leave: int) -> None:
    target = LocalEngineTarget(Settings(home=disk))
    try:
        target.prepare(SESSION, SCENARIO, pipeline(tmp_path, "head -c 50000 /dev/zero > /tmp/out"))
        fill(disk, leave)
        for _ in range(2):
            try:
                sample = run(target)
            except Broken as error:
                assert "No space left on device" in str(error)
            else:
                assert sample.outcome in (RunOutcome.BROKEN, RunOutcome.SUCCEEDED), sample.message
    finally:
        target.remove(SESSION)


@pytest.mark.parametrize("leave", [0, 8])
def test_a_session_on_a_full_disk_is_broken_before_its_first_run(tmp_path: Path, disk: Path, leave: int) -> None:
    target = LocalEngineTarget(Settings(home=disk))
    path = pipeline(tmp_path, "true")
    fill(disk, leave)
    try:
        with pytest.raises(Broken, match="No space left on device"):
            target.prepare(SESSION, SCENARIO, path)
            target.submit({})
            raise Broken("No space left on device: the run tells it")
    finally:
        target.remove(SESSION)


def test_a_schedule_that_a_full_disk_keeps_from_starting_runs_says_so(tmp_path: Path, disk: Path) -> None:
    target = LocalEngineTarget(Settings(home=disk))
    try:
        target.prepare(SESSION, SCENARIO, pipeline(tmp_path, "true"))
        fill(disk, 0)
        schedule = target.schedule(0.3, {"word": "of a file"})
        time.sleep(0.5)
        target.stop(schedule)
        firings = target.firings(schedule)
        assert firings
        assert all(one.started is None and "No space left on device" in one.broken for one in firings)
    finally:
        target.remove(SESSION)


@pytest.mark.parametrize(
    "script",
    [
        "exit 3",
        "echo 'OSError: [Errno 28] No space left on device: /dev/shm/torch_1'; exit 1",
        "echo 'OSError: [Errno 28] No space left on device: /dev/shm/torch_1' >&2; exit 1",
    ],
)
def test_a_pipeline_that_fails_beside_room_has_failed(tmp_path: Path, script: str) -> None:
    target = LocalEngineTarget(Settings(home=tmp_path / "home"))
    found = shutil.disk_usage(tmp_path)
    if found.free < min(SCARCE_BYTES, SCARCE_SHARE * found.total):
        pytest.skip("the disk of the tests is nearly full itself")
    try:
        target.prepare(SESSION, SCENARIO, pipeline(tmp_path, script))
        sample = run(target)
        assert sample.outcome is RunOutcome.FAILED, sample.message
    finally:
        target.remove(SESSION)


def status_of(phase: str, message: str) -> dict[str, object]:
    return {"nodes": {"a": {"type": "Pod", "phase": phase, "message": message}}}


def test_what_the_engine_says_of_its_own_writes_is_believed_beside_room(tmp_path: Path) -> None:
    own = "cannot save artifact out: No space left on device"
    assert own in told_in(tmp_path, status_of("Error", own), nearly_full=False)
    looked = f"main: Error (exit code 3); No space left on device: 0 KiB are free in {tmp_path}/runs/r/work/n"
    assert looked in told_in(tmp_path, status_of("Failed", looked), nearly_full=False)
    said = "main: Error (exit code 3): No space left on device"
    assert told_in(tmp_path, status_of("Failed", said), nearly_full=False) == ""
    assert said in told_in(tmp_path, status_of("Failed", said), nearly_full=True)
    (tmp_path / "stderr.txt").write_text("error: workflow.json: No space left on device\n")
    assert "workflow.json" in told_in(tmp_path, {}, nearly_full=False)
