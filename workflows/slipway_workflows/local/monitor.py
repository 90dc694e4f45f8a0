"""Measures a workflow that runs on this machine, from outside: what it uses as a whole, and each of its steps.

What was measured stays in the run's directory, in `performance.json`.
"""

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from slipway_steps.adapters.local.process_meter import ProcessMeter, Usage
from slipway_steps.adapters.local.processor_waits import ProcessorWaits, cores, processor_waits
from slipway_steps.domain.performance import OptimizationRecommendation, PerformanceMetrics, recommendations
from slipway_steps.files import replace_file
from slipway_workflows.argo import NodeType, StoredWorkflow
from slipway_workflows.engine.machine.groups import GROUPS
from slipway_workflows.engine.machine.timings import CONTAINER_START, QUEUE, TIMINGS
from slipway_workflows.engine.state.store import is_alive, load_workflow
from slipway_workflows.local.step_ends import StepEnd, Used, step_ends, total
from slipway_workflows.local.step_resources import NO_RESOURCES, StepResources

PERFORMANCE = "performance.json"
KILLED = ("OOMKilled", "exit code 137")
"""What the message of a node holds whose program was killed; out of memory is why the kernel does that."""


class RunPerformance(BaseModel):
    """What was measured of a run. `steps`: in the order in which they were first seen. `unseen`: how many steps ran in
    that time and were too short to be measured. `finished`: whether the run had ended.
    """

    model_config = ConfigDict(frozen=True)

    run: PerformanceMetrics
    steps: list[PerformanceMetrics]
    unseen: int = 0
    finished: bool = False

    def recommendations(self) -> list[OptimizationRecommendation]:
        """What follows, for the run and for its steps."""
        return [one for metrics in (self.run, *self.steps) for one in recommendations(metrics)]


def stored_performance(directory: Path) -> RunPerformance | None:
    """What was measured of the run with this directory; None where nothing was."""
    with contextlib.suppress(OSError, ValueError):
        return RunPerformance.model_validate_json((directory / PERFORMANCE).read_text())
    return None


@dataclass
class _Step:
    """A step that was seen. `first`, `last`: Unix seconds. `before`: what it had used when the measurement began."""

    first: float
    last: float
    usage: Usage
    before: Usage | None = None

    def take(self, usage: Usage, at: float) -> None:
        self.usage, self.last = usage, at

    def with_end(self, end: StepEnd | None) -> "_Step":
        """The same step with what it had used at its end, where that is known and more than was seen."""
        if end is None:
            return self
        seen, used = self.usage, end.used
        usage = seen._replace(
            cpu=max(seen.cpu, used.cpu), read=max(seen.read, used.read), written=max(seen.written, used.written)
        )
        return _Step(self.first, max(self.last, end.at), usage, self.before)


class Idle(NamedTuple):
    """How many cores were idle in a time, whose ends are Unix seconds."""

    begin: float
    end: float
    cores: float


class Timing(NamedTuple):
    """When something of a node began and ended, in Unix seconds."""

    node: str
    begin: float
    end: float


class RunMonitor:
    """Measures the run with this directory, whenever `sample` is called."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._meter: ProcessMeter | None = None
        self._began, self._last = time.monotonic(), time.monotonic()
        self._began_at = time.time()
        self._first: Usage | None = None
        self._total: Usage | None = None
        self._steps: dict[str, _Step] = {}
        self._most = 0
        self._engine = 0
        self._waits: ProcessorWaits | None = None
        self._now: ProcessorWaits | None = None
        self._idle: list[Idle] = []
        self._paths: dict[str, str] = {}
        self._resources: StepResources | None = None
        self.live: list[str] = []
        """The ids of the nodes whose steps ran when the last sample was taken."""

    @property
    def alive(self) -> bool:
        """Whether the run still runs."""
        return is_alive(self.directory)

    def sample(self) -> bool:
        """Measure now. Returns whether the run still runs; before its first step there may be nothing to measure."""
        if not self.alive:
            self.live = []
            return False
        engine, groups = self._groups()
        if engine and self._meter is None:
            self._meter, self._engine = ProcessMeter(engine), engine
        found = self._meter.sample(groups) if self._meter else None
        if found is None:
            return True
        self.live = list(found.groups)
        self._most = max(self._most, len(self.live))
        self._first, self._total = self._first or found.total, found.total
        now, at = processor_waits(self._engine), time.time()
        for node, usage in found.groups.items():
            before = usage if self._now is None else None
            self._steps.setdefault(node, _Step(at, at, usage, before)).take(usage, at)
        if self._now is not None and found.at > self._last:
            seconds = found.at - self._last
            self._idle.append(Idle(at - seconds, at, max(0.0, now.idle - self._now.idle) / seconds))
        self._waits, self._now, self._last = self._waits or now, now, found.at
        return True

    def _groups(self) -> tuple[int, dict[str, int]]:
        with contextlib.suppress(OSError, ValueError):
            stored = json.loads((self.directory / GROUPS).read_text())
            return int(stored["engine"]), dict(stored["steps"])
        return 0, {}

    def name_of(self, node: str) -> str:
        """The path of a node in the workflow, for people; its id while it is not stored yet."""
        if node not in self._paths and (workflow := load_workflow(self.directory)) is not None:
            self._paths |= _paths(workflow)
        return self._paths.get(node, node)

    def performance(self) -> RunPerformance:
        """What was measured so far, of steps under their paths and with the resources that they ask for."""
        workflow = load_workflow(self.directory)
        if self._resources is None and workflow is not None:
            self._resources = StepResources(self.directory, workflow)
        # the processor time of a step is that since its start, which may be before the first measurement
        starts = {one.node: one.end for one in _timings(self.directory, CONTAINER_START)}
        ends = step_ends(self.directory)
        seen = {node: step.with_end(ends.get(node)) for node, step in self._steps.items()}
        steps = [self._of_step(node, step, starts.get(node, step.first), workflow) for node, step in seen.items()]
        unseen = self._unseen(workflow)
        used = total([*(step.usage for step in seen.values()), *(ends[node].used for node in unseen if node in ends)])
        finished = workflow is not None and workflow.phase.completed and not self.alive
        return RunPerformance(run=self._of_run(used, finished), steps=steps, unseen=len(unseen), finished=finished)

    def store(self) -> RunPerformance:
        """Keep what was measured in the run's directory, where that can be written."""
        found = self.performance()
        with contextlib.suppress(OSError):
            replace_file(self.directory / PERFORMANCE, found.model_dump_json(indent=2) + "\n")
        return found

    def _of_run(self, used: Used, finished: bool) -> PerformanceMetrics:
        """The run as a whole. `used`: by its steps, each from its start; of the run no less is told, though no sample
        sees its end.
        """
        first, last = self._first, self._total
        seconds = max(0.0, self._last - self._began)
        if first is None or last is None:
            return PerformanceMetrics(subject=self.directory.name, seconds=seconds, cpu=0, peak=0, ended=finished)
        throttled = io_wait = None
        if self._waits and self._now and seconds:
            io_wait = min(1.0, (self._now.io - self._waits.io) / seconds / cores())
            if self._now.throttled is not None and self._waits.throttled is not None:
                throttled = min(1.0, (self._now.throttled - self._waits.throttled) / seconds)
        before = total([step.before for step in self._steps.values() if step.before])
        queued, idle = queued_while_idle(self._idle, _timings(self.directory, QUEUE))
        return PerformanceMetrics(
            subject=self.directory.name,
            seconds=seconds,
            cpu=max(used.cpu, last.cpu - first.cpu + before.cpu),
            cpu_before=before.cpu,
            peak=last.peak,
            read=max(used.read, last.read - first.read + before.read),
            written=max(used.written, last.written - first.written + before.written),
            ended=finished,
            throttled=throttled,
            io_wait=io_wait,
            concurrency=self._most,
            queued=min(1.0, queued / seconds) if self._idle and seconds else None,
            idle=idle,
        )

    def _of_step(self, node_id: str, step: _Step, start: float, workflow: StoredWorkflow | None) -> PerformanceMetrics:
        node = workflow.nodes.get(node_id) if workflow else None
        asked = self._resources.of(node) if node and self._resources else NO_RESOURCES
        return PerformanceMetrics(
            subject=self.name_of(node_id),
            seconds=max(0.0, step.last - start),
            cpu=step.usage.cpu,
            peak=step.usage.peak,
            read=step.usage.read,
            written=step.usage.written,
            ended=node is not None and node.finished is not None,
            oom_killed=node is not None and any(word in node.message for word in KILLED),
            memory_request=asked.memory_request,
            memory_limit=asked.memory_limit,
        )

    def _unseen(self, workflow: StoredWorkflow | None) -> list[str]:
        """The ids of the nodes that ended while it was measured, and were too short to be."""
        return [
            node.id
            for node in (workflow.pods if workflow else ())
            if not node.phase.left_out
            and node.id not in self._steps
            and node.finished is not None
            and node.finished.timestamp() > self._began_at
        ]


def queued_while_idle(idle: Sequence[Idle], waits: Sequence[Timing]) -> tuple[float, float]:
    """The seconds in which steps waited for parallelism or a lock while at least one core was idle, and how many were
    idle then, on average.
    """
    seconds = cores_seconds = 0.0
    for part in idle:
        if part.cores >= 1:
            taken = max((min(part.end, one.end) - max(part.begin, one.begin) for one in waits), default=0.0)
            seconds += max(0.0, taken)
            cores_seconds += max(0.0, taken) * part.cores
    return seconds, cores_seconds / seconds if seconds else 0.0


def _timings(directory: Path, what: str) -> list[Timing]:
    """What the run has written about its waits, or about the starts of its processes."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for line in (directory / TIMINGS).read_text().splitlines():
            one = json.loads(line)
            if one["what"] == what:
                found.append(Timing(one["node"], float(one["from"]), float(one["to"])))
    return found


def _paths(workflow: StoredWorkflow) -> Mapping[str, str]:
    return {node.id: workflow.path(node) for node in workflow.nodes.values() if node.type is NodeType.POD}
