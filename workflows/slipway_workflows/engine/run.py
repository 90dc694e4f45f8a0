"""One run of a workflow, from its lock to its exit handler."""

import json
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway_workflows.engine.library import Library, Manifest
from slipway_workflows.engine.mutexes import holding
from slipway_workflows.engine.plan import Plan, workflow_of
from slipway_workflows.engine.runner import Runner
from slipway_workflows.engine.state import Listener, State
from slipway_workflows.engine.store import RunStore
from slipway_workflows.engine.tree import now


@dataclass(frozen=True)
class Options:
    """home: directory of all state. environment: added to that of every step."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class Run:
    """A checked workflow; nothing of it has started."""

    def __init__(self, plan: Plan, options: Options) -> None:
        self.plan, self.options = plan, options
        self.name = plan.name
        self.runner: Runner | None = None
        self.stops = 0

    def execute(self, listener: Listener | None = None) -> dict[str, Any]:
        """Run to the end; returns the Workflow as Argo stores it. Raises BadInput where the home cannot be written."""
        store = RunStore(self.options.home, self.name)
        state = State(self.plan, store, listener)
        self.runner = Runner(self.plan, state, self.options.home, self.options.environment)
        try:
            state.write()
            self._locked(state, self.runner)
        finally:
            state.finished = now()
            state.write()
            store.close()
        return state.workflow()

    def stop(self) -> None:
        """As `argo stop`: what runs is ended, nothing new starts, the exit handler still runs. Again: that ends too.

        Safe in a signal handler: the work is done by another thread.
        """
        self.stops += 1
        if self.runner:
            threading.Thread(target=self.runner.stop, daemon=True).start()

    def _locked(self, state: State, runner: Runner) -> None:
        mutexes = [m["name"] for m in (self.plan.spec.get("synchronization") or {}).get("mutexes") or []]

        def waiting(name: str) -> None:
            state.message = f"Waiting for default/Mutex/{name} lock"
            state.write()
            if state.listener:
                state.node(self.name, self.name, "Steps", phase="Pending", message=state.message)
                state.nodes.clear()

        with holding(self.options.home, mutexes, waiting, runner.stopping.is_set) as held:
            if not held:
                state.phase, state.message = "Failed", "stopped while it waited"
                return
            state.phase, state.message, state.started = "Running", "", now()
            self._main(state, runner)

    def _main(self, state: State, runner: Runner) -> None:
        spec, home = self.plan.spec, self.plan.home
        arguments = self.plan.parameters()
        node = runner.execute(self.name, self.name, home, home.templates[spec["entrypoint"]], arguments)
        phase, message = node.phase, node.message
        if spec.get("onExit"):
            if self.stops < 2:
                runner.stopping.clear()
            failures = [
                {"displayName": n.display_name, "message": n.message, "templateName": n.template_name, "phase": n.phase}
                for n in state.nodes.values()
                if n.failed and n.type == "Pod"
            ]
            extra = {"workflow.status": phase, "workflow.failures": json.dumps(json.dumps(failures))[1:-1]}
            template = home.templates[spec["onExit"]]
            name = f"{self.name}.onExit"
            done = runner.execute(name, name, home, template, arguments, extra=extra)
            if done.failed and phase == "Succeeded":
                phase, message = done.phase, done.message
            elif done.failed:
                message = f"{message}; the exit handler failed too: {done.message}"
        state.phase, state.message = phase, message


def prepare(library: Library, target: str | Manifest, parameters: Mapping[str, str], options: Options) -> Run:
    """Resolve and check everything; nothing is started or written.

    target: a template's name, as `argo submit --from`, or a Workflow, CronWorkflow or template. Raises BadInput for an
    unknown name or parameter, WorkflowInvalid for what the engine refuses, naming every fault.
    """
    workflow = workflow_of(library, target, parameters)
    workflow["metadata"].setdefault("uid", str(uuid.uuid4()))
    return Run(Plan(library, workflow), options)
