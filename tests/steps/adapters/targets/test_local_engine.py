"""Runs of the local target on the real engine: what is measured, and that nothing is left."""

import json
import os
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import psutil
import pytest
from sampling import for_acceptance, sampled

from slipway_steps.adapters.local.process_tree import marked
from slipway_steps.adapters.local.subreaper import MARK
from slipway_steps.adapters.targets.local_engine import LocalEngineTarget
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import RunOutcome, RunSample
from slipway_steps.settings import Settings

SESSION = f"perf-test{os.getpid()}"


def workflow(*templates: dict[str, object], **spec: object) -> dict[str, object]:
    return {
        "kind": "Workflow",
        "metadata": {"generateName": "small-"},
        "spec": {"entrypoint": "main", "templates": list(templates), **spec},
    }


def pod(name: str, script: str, **more: object) -> dict[str, object]:
    return {"name": name, "container": {"image": "busybox:1", "command": ["sh", "-c"], "args": [script]}, **more}


def python(name: str, source: str, **more: object) -> dict[str, object]:
    return {"name": name, "script": {"image": "python:3.11", "command": ["python3"], "source": source}, **more}


def steps(*names: str) -> dict[str, object]:
    return {"name": "main", "steps": [[{"name": name, "template": name}] for name in names]}


def on_disk(path: Path) -> bool:
    """Whether a file lies on a disk: the kernel counts no bytes of file systems in memory."""
    mounts = [one for one in psutil.disk_partitions(all=True) if path.is_relative_to(one.mountpoint)]
    return max(mounts, key=lambda one: len(one.mountpoint)).fstype not in ("tmpfs", "overlay")


class Prepared:
    """A target for one pipeline."""

    def __init__(self, tmp_path: Path, session: str) -> None:
        self.target = LocalEngineTarget(Settings(home=tmp_path / "home"))
        self.session, self.file = session, tmp_path / "pipeline.yaml"

    def prepare(self, content: dict[str, object], **fields: object) -> LocalEngineTarget:
        self.file.write_text(json.dumps(content))
        told = {"mode": "PIPELINE_RUN", "pipelineFileName": "pipeline.yaml"} | fields
        self.target.prepare(self.session, PerfScenario.model_validate(told), self.file)
        return self.target

    @property
    def mark(self) -> str:
        return str((self.file.parent / "home" / "perf" / self.session).resolve())

    def run(self, content: dict[str, object], **fields: object) -> RunSample:
        target = self.prepare(content, **fields)
        return ended(target, target.submit({}))


def ended(target: LocalEngineTarget, run: str) -> RunSample:
    assert target.wait(run, time.time() + 60)
    return target.read(run)


@pytest.fixture
def prepared(tmp_path: Path) -> Iterator[Prepared]:
    found = Prepared(tmp_path, f"{SESSION}{time.monotonic_ns()}")
    yield found
    found.target.remove(found.session)


def test_the_phases_of_a_run_add_up_to_its_length(prepared: Prepared) -> None:
    sample = prepared.run(workflow(steps("a", "b"), pod("a", "sleep 0.3"), pod("b", "sleep 0.2")))
    assert sample.outcome is RunOutcome.SUCCEEDED
    whole = sample.metrics["end-to-end"]
    assert sum(phase.end - phase.start for phase in sample.phases) == pytest.approx(whole, rel=0.02)
    assert {"program-start", "run", "between-steps", "finish"} <= {phase.name for phase in sample.phases}
    assert 0.3 <= sample.components["a"] < 0.8
    assert 0.2 <= sample.components["b"] < 0.7
    assert 0 < sample.metrics["container-start"] < 0.5
    assert sample.metrics["queue"] == 0


def test_the_phases_of_steps_side_by_side_leave_no_gap(prepared: Prepared) -> None:
    side = {"name": "main", "steps": [[{"name": name, "template": "a"} for name in "xyz"]]}
    sample = prepared.run(workflow(side, pod("a", "sleep 0.2")))
    covered, at = 0.0, 0.0
    for phase in sample.phases:
        covered += max(0.0, phase.end - max(at, phase.start))
        at = max(at, phase.end)
    assert covered == pytest.approx(sample.metrics["end-to-end"], rel=0.02)
    assert set(sample.components) == {"x", "y", "z"}


def test_a_wait_for_a_lock_is_queue_and_no_time_of_the_step(prepared: Prepared) -> None:
    mutex = {"mutexes": [{"name": "one"}]}
    side = {"name": "main", "steps": [[{"name": name, "template": "a"} for name in "xy"]]}
    sample = prepared.run(workflow(side, pod("a", "sleep 0.5", synchronization=mutex)))
    assert 0.4 < sample.metrics["queue"] < 1.0
    assert all(0.5 <= seconds < 0.9 for seconds in sample.components.values())


def test_runs_of_a_session_wait_for_each_other_s_locks(prepared: Prepared) -> None:
    content = workflow(steps("a"), pod("a", "sleep 2"), synchronization={"mutexes": [{"name": "one"}]})
    target = prepared.prepare(content)
    samples = [ended(target, run) for run in [target.submit({}), target.submit({})]]
    queues = sorted(sample.metrics["queue"] for sample in samples)
    assert queues[0] < 0.1
    assert queues[1] > 0.4, "the two start within a second or so of each other"


def test_a_wait_for_parallelism_is_queue(prepared: Prepared) -> None:
    side = {"name": "main", "steps": [[{"name": name, "template": "a"} for name in "xy"]]}
    sample = prepared.run(workflow(side, pod("a", "sleep 0.4"), parallelism=1))
    assert 0.3 < sample.metrics["queue"] < 0.8


def test_cpu_memory_and_storage_are_those_of_all_processes(prepared: Prepared) -> None:
    burn = "import time\nbegin = time.process_time()\nwhile time.process_time() < begin + 1: pass"
    hold = "import time\nheld = bytearray(200 * 2**20)\ntime.sleep(0.5)"
    write = "import os\nwith open('/tmp/file', 'wb') as f:\n f.write(os.urandom(20 * 2**20)); os.fsync(f.fileno())"
    base = prepared.run(workflow(steps("a"), python("a", "pass")))
    # a process of a process, which has ended when the run ends
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    burnt = prepared.run(workflow(steps("a"), python("a", child)))
    assert 0.7 <= burnt.metrics["cpu"] - base.metrics["cpu"] < 2
    more = prepared.run(workflow(steps("b", "c"), python("b", hold), python("c", write)))
    assert more.metrics["memory"] - base.metrics["memory"] > 150 * 2**20
    if on_disk(prepared.file):
        assert more.metrics["storage-written"] - base.metrics["storage-written"] > 19 * 2**20
    assert not {name for name in more.metrics if name in prepared.target.unmeasured}


BURN = """
import pathlib, time
begin = time.process_time()
while time.process_time() < begin + 1: pass
pathlib.Path("/tmp/burnt").touch()
"""
ORPHAN = """
import pathlib, subprocess, sys, time
start = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]], start_new_session=True)"
subprocess.run([sys.executable, "-c", start, {burn!r}], check=True)  # its parent is gone at once
while not pathlib.Path("/tmp/burnt").exists(): time.sleep(0.05)
time.sleep(0.2)
"""


@pytest.mark.parametrize(("limits", "then"), sampled(product(["none", "", "watchdog"], ["", "while True: pass"]), 3))
def test_processes_that_nobody_waits_for_are_not_free(prepared: Prepared, limits: str, then: str) -> None:
    """The orphan has ended when the run ends, or it goes on for ever."""
    prepared.target.settings = prepared.target.settings.model_copy(update={"limits": limits.removeprefix("none")})
    fields = {} if limits == "none" else {"resourceLimits": {"cpu": "2"}}
    base = prepared.run(workflow(steps("a"), python("a", "pass")), **fields)
    sample = prepared.run(workflow(steps("a"), python("a", ORPHAN.format(burn=BURN + then))), **fields)
    assert sample.outcome is RunOutcome.SUCCEEDED, sample.message
    assert 0.95 <= sample.metrics["cpu"] - base.metrics["cpu"] < 2.5
    deadline = time.monotonic() + 5
    while marked(prepared.mark) and time.monotonic() < deadline:
        time.sleep(0.05)  # the kernel takes a moment to end a process
    assert marked(prepared.mark) == [], "what a run has left ends with it, as with a container"


@pytest.mark.parametrize("limits", ["", "watchdog"])
def test_the_limits_hold_for_the_whole_tree(prepared: Prepared, limits: str) -> None:
    prepared.target.settings = prepared.target.settings.model_copy(update={"limits": limits})
    hold = "import time\nheld = bytearray(600 * 2**20)\ntime.sleep(20)"
    sample = prepared.run(workflow(steps("a"), python("a", hold)), resourceLimits={"memory": "300Mi"})
    assert sample.outcome is RunOutcome.FAILED
    assert "more memory than its limit" in sample.message
    assert not {"end-to-end", "cpu"} & set(sample.metrics)


@pytest.mark.parametrize("limits", ["", for_acceptance("watchdog")])
def test_the_cpu_limit_holds_for_the_steps(prepared: Prepared, limits: str) -> None:
    prepared.target.settings = prepared.target.settings.model_copy(update={"limits": limits})
    burn = "import time\nbegin = time.process_time()\nwhile time.process_time() < begin + 1: pass"
    sample = prepared.run(workflow(steps("a"), python("a", burn)), resourceLimits={"cpu": "300m"})
    assert sample.outcome is RunOutcome.SUCCEEDED
    assert sample.components["a"] > 2, "a second of CPU takes over three at 300m"


def test_a_run_that_is_stopped_is_unfinished_and_leaves_no_process(prepared: Prepared) -> None:
    target = prepared.prepare(workflow(steps("a"), pod("a", "trap '' TERM; sleep 60 & wait")))
    run = target.submit({})
    assert not target.wait(run, time.time() + 1.5)
    assert target.read(run).outcome is RunOutcome.UNFINISHED
    target.stop(run)
    sample = target.read(run)
    assert (sample.outcome, sample.metrics) == (RunOutcome.UNFINISHED, {})
    target.remove(prepared.session)
    assert marked(prepared.mark) == []


def test_a_failed_run_says_which_step_and_keeps_its_logs(prepared: Prepared, tmp_path: Path) -> None:
    sample = prepared.run(workflow(steps("a"), pod("a", "echo what went wrong >&2; exit 4")))
    assert sample.outcome is RunOutcome.FAILED
    assert "step a: main: Error (exit code 4)" in sample.message
    prepared.target.remove(prepared.session)
    logs = (tmp_path / "home" / "perf" / prepared.session / "logs").rglob("*.log")
    assert any("what went wrong" in path.read_text() for path in logs)


def test_only_what_belongs_to_the_session_is_removed(prepared: Prepared, tmp_path: Path) -> None:
    # a session of the same name, but of another home
    other = psutil.Popen(["sleep", "60"], env={**os.environ, MARK: f"/elsewhere/perf/{prepared.session}"})
    try:
        target = prepared.prepare(workflow(steps("a"), pod("a", "setsid sleep 61 & sleep 60")))
        target.submit({})
        deadline = time.monotonic() + 20
        while not [one for one in marked(prepared.mark) if one.name() == "sleep"] and time.monotonic() < deadline:
            time.sleep(0.05)
        # as a new program, which has started nothing itself
        removed = LocalEngineTarget(target.settings).remove(prepared.session)
        assert [name for name in removed if name.startswith("process ")]
        assert marked(prepared.mark) == []
        assert other.is_running()
        assert target.remove(prepared.session) == []
    finally:
        other.kill()
        other.wait()
