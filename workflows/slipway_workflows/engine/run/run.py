"""One run of a workflow for whoever starts it: it runs, reports its events, can be stopped, and is stored."""

import asyncio
import contextlib
import os
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import Broken, SlipwayError
from slipway_workflows.argo import Event, Listener, NodeType, Phase, StoredWorkflow
from slipway_workflows.argo.times import parse_time, time_text
from slipway_workflows.engine.machine.groups import Groups
from slipway_workflows.engine.machine.isolation import available
from slipway_workflows.engine.machine.locks import Locks
from slipway_workflows.engine.machine.objects import Objects
from slipway_workflows.engine.machine.processes import Processes
from slipway_workflows.engine.machine.step_process import StepProgram
from slipway_workflows.engine.machine.timings import Timings
from slipway_workflows.engine.manifests.images import OUR_PRELOAD
from slipway_workflows.engine.manifests.library import Library
from slipway_workflows.engine.manifests.synchronization import locks_of
from slipway_workflows.engine.manifests.templates import Context
from slipway_workflows.engine.run.execution import execute_template
from slipway_workflows.engine.run.fault_log import FaultLog
from slipway_workflows.engine.run.global_outputs import GlobalOutputs
from slipway_workflows.engine.run.lifecycle import Outcome, run_workflow
from slipway_workflows.engine.run.operation import Machine, Operation
from slipway_workflows.engine.run.parallelism import Parallelism
from slipway_workflows.engine.run.retry_plan import RetryPlan
from slipway_workflows.engine.run.scopes import workflow_globals
from slipway_workflows.engine.run.shutdown import Shutdown
from slipway_workflows.engine.state.events import event_of
from slipway_workflows.engine.state.nodes import Node, Tree, now
from slipway_workflows.engine.state.store import Store

FLUSH = 0.2
"""Seconds between a change and the time at which the workflow is stored, together with all changes until then."""
STOPPED = "Stopped with strategy 'Stop'"


@dataclass(frozen=True)
class Options:
    """How a workflow is run on this machine."""

    home: Path
    """The directory of all state, such as `.slipway`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that every step gets."""
    resources: str = ""
    """Where resource templates find objects: `files`, `cluster`, or "" for nowhere."""
    cluster: Objects | None = None
    """The objects of a cluster, needed where `resources` is `cluster`."""
    isolated: bool | None = None
    """Whether steps may get a mount namespace of their own; None: if this kernel allows it."""


class Run:
    """A validated workflow, made by `prepare`, that has not run yet. `execute` may be called once."""

    def __init__(
        self,
        library: Library,
        workflow: dict[str, Any],
        spec: dict[str, Any],
        context: Context,
        options: Options,
        before: StoredWorkflow | None = None,
    ) -> None:
        self.workflow = workflow
        self.spec = spec
        self.context = context
        self.options = options
        self.library = library
        self.name: str = workflow["metadata"]["name"]
        self.before = before
        """For a retry the workflow as the run before stored it; None in a first run."""
        self.store = Store(options.home, self.name)
        self._listener: Listener | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._operation: Operation | None = None
        self._status: dict[str, Any] = {"phase": "Pending"}
        self._flush: asyncio.TimerHandle | None = None
        self._flush_cost = 0.0
        self._stops = 0
        self._afterwards: Sequence[str] = ()
        self.output_afterwards = b""
        """What the program `afterwards` of `execute` has printed; empty where it failed."""

    def execute(self, listener: Listener | None = None, afterwards: Sequence[str] = ()) -> dict[str, Any]:
        """Run the workflow to its end; returns the Workflow as Argo stores it. `listener` is called with each event.

        `afterwards`: module and arguments of a Python program that looks at the ended workflow, and needs what our own
        steps need: it is forked as they are, and so does not import it again.

        Raises BadInput where the home cannot be written, Refused where a workflow of this name runs, Broken where the
        result could not be stored.
        """
        self._listener, self._afterwards = listener, afterwards
        pipe = self.store.open(keep=self.before is not None)
        try:
            asyncio.run(self._main(pipe))
            self.store.write(self._stored())
            self.store.tidy()
        finally:
            self.store.close()
        return self._stored()

    def stop(self) -> None:
        """Stop the workflow as `argo stop` does: its steps are ended, its exit handler still runs.

        A second call ends the exit handler too.

        May be called from a signal handler or another thread.
        """
        self._stops += 1
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._apply_stop)

    def _apply_stop(self) -> None:
        if self._operation is None:
            return
        self._operation.shutdown.stop(STOPPED)
        if self._stops > 1:
            self._operation.shutdown.terminate(STOPPED)

    async def _main(self, pipe: int) -> None:
        loop = self._loop = asyncio.get_running_loop()
        metadata = self.workflow["metadata"]
        metadata.setdefault("uid", str(uuid.uuid4()))
        # A retry is still the workflow that was created before. In a first run a time in the file is ignored, as on a
        # cluster.
        first = parse_time(metadata.get("creationTimestamp")) if self.before is not None else None
        created = first or datetime.now(UTC).replace(microsecond=0)
        metadata["creationTimestamp"] = time_text(created)
        operation = self._operation = self._new_operation(workflow_globals(metadata, self.spec, created))
        try:
            loop.add_reader(pipe, self._handle_requests)
            if self._stops:
                self._apply_stop()
            self.store.write_library(self.library.manifests())
            self.store.write(self._stored())
            await self._run_guarded(operation)
            if self._afterwards:
                self.store.write(self._stored())
                await self._run_afterwards(operation.machine)
        finally:
            loop.remove_reader(pipe)
            if self._flush:
                self._flush.cancel()
            operation.machine.processes.close()

    async def _run_afterwards(self, machine: Machine) -> None:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **machine.environment}
        argv = [sys.executable, "-m", *self._afterwards]
        log = machine.directory / "logs" / "afterwards.log"
        with contextlib.suppress(OSError):  # a full disk: there is no output then
            program = StepProgram(argv, Path.cwd(), environment, preload=OUR_PRELOAD)
            ended = await machine.processes.run("afterwards", program, log, capture=True)
            self.output_afterwards = ended.stdout if ended.code == 0 else b""

    def _new_operation(self, values: dict[str, str | None]) -> Operation:
        directory, timings = self.store.directory, Timings(self.store.directory)
        processes = Processes(timings, Groups(directory))
        machine = Machine(
            directory,
            dict(self.options.environment),
            available(directory / "work") if self.options.isolated is None else self.options.isolated,
            processes,
            Locks(self.options.home.absolute() / "locks"),
            timings,
            self.options.cluster,
        )
        return Operation(
            context=self.context,
            tree=Tree(self.name, self._changed),
            machine=machine,
            shutdown=Shutdown(processes),
            global_outputs=GlobalOutputs(values),
            parallelism=Parallelism(int(self.spec.get("parallelism") or 0), timings),
            faults=FaultLog(directory),
            execute=execute_template,
            retry_plan=RetryPlan(self.before) if self.before is not None else None,
        )

    async def _run_guarded(self, operation: Operation) -> None:
        """Run the workflow; an exception that no rule foresees ends it with phase Error, which is stored as usual."""
        try:
            await self._run_locked(operation)
        except SlipwayError:
            raise
        except Exception as error:
            self._conclude(Outcome("Error", str(operation.faults.record(error, f"workflow {self.name}"))))

    async def _run_locked(self, operation: Operation) -> None:
        """Take the locks of the workflow's own `synchronization`, then run it."""
        locks, shutdown = operation.machine.locks, operation.shutdown
        try:
            wanted = locks_of(self.spec.get("synchronization"), self.library)
        except SlipwayError as error:
            self._conclude(Outcome("Failed", f"Failed to acquire the synchronization lock. {error}"))
            return
        since = time.time()
        files = await locks.take(wanted, self._waits, shutdown.event(on_exit=False))
        operation.machine.timings.queued(self.name, since)
        if files is None:
            self._conclude(Outcome("Failed", shutdown.reason))
            return
        with locks.held(files):
            started = self.before.status.get("startedAt") if self.before is not None else None
            self._status = {"phase": "Running", "startedAt": started or now()}
            self._changed(None)
            self._conclude(await run_workflow(operation, self.spec))

    def _waits(self, message: str) -> None:
        """Report that the workflow waits for a lock."""
        self._status["message"] = message
        self._changed(None)
        if self._listener:
            self._listener(
                Event(self.name, self.name, NodeType.OTHER, Phase.PENDING, message, None, "", None, None, None)
            )

    def _conclude(self, outcome: Outcome) -> None:
        """Set the final status of the workflow."""
        self._status = {"startedAt": now(), **self._status, "phase": outcome.phase, "finishedAt": now()}
        if outcome.message:
            self._status["message"] = outcome.message

    def _handle_requests(self) -> None:
        """Called when another process has written to the pipe: it has asked for a stop, or answered a suspend node."""
        if self._operation is None:
            return
        if self.store.stop_wanted() and not self._stops:
            self.stop()
        for node_id, parameters in self.store.answers().items():
            answer = self._operation.suspended.get(node_id)
            if answer is not None and not answer.done():
                answer.set_result(parameters)

    def _changed(self, node: Node | None) -> None:
        """Have the workflow stored soon, and tell the listener. `node`: what changed; None: the workflow itself."""
        if self._loop is not None and self._flush is None:
            # so that storing takes at most a tenth of the time, even for a large tree
            pause = max(FLUSH, 10 * self._flush_cost)
            self._flush = self._loop.call_later(pause, self._flush_now)
        if node is not None and self._listener is not None:
            self._listener(event_of(node, self.store.directory))

    def _flush_now(self) -> None:
        self._flush = None
        began = time.monotonic()
        try:
            self.store.write(self._stored())
        except Broken as error:
            # not fatal yet: the write at the end of the run raises Broken if the problem is still there
            self._status["message"] = error.message
        self._flush_cost = time.monotonic() - began

    def _stored(self) -> dict[str, Any]:
        """The Workflow as Argo would store it now."""
        operation = self._operation
        status: dict[str, Any] = {**self._status}
        if operation is not None:
            status["nodes"] = operation.tree.stored()
            if operation.global_outputs.stored:
                status["outputs"] = operation.global_outputs.stored
        if "workflowTemplateRef" in self.workflow["spec"]:
            status["storedWorkflowTemplateSpec"] = self.spec
        return {**self.workflow, "status": status}
