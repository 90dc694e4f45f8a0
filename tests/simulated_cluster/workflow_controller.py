"""Argo's workflow controller of the simulated cluster: it runs Workflow objects by the local engine.

The engine gives Argo's own answers to the recorded cases of tests/conformance. Here its workflows come from the API
server and their state goes there; what a person writes into an object (a stop, an answer, a retry) reaches the engine.
"""

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from simulated_cluster.cron_workflows import fire
from simulated_cluster.objects import Object, Objects
from simulated_cluster.step_pods import StepPods

from slipway_steps.domain.errors import Refused, SlipwayError
from slipway_workflows import engine
from slipway_workflows.engine.machine.groups import Groups
from slipway_workflows.engine.machine.processes import Processes
from slipway_workflows.engine.machine.timings import Timings
from slipway_workflows.engine.manifests.library import of_manifests
from slipway_workflows.engine.run import run as engine_run

LOOK = 0.1
"""Seconds between two looks at the objects."""
KINDS = ("WorkflowTemplate", "CronWorkflow", "ConfigMap")
LABEL = "workflows.argoproj.io"


@dataclass
class Running:
    """A workflow whose engine runs in a thread. `written`: the status that the object got last."""

    run: Any
    namespace: str
    thread: threading.Thread
    stopped: bool = False
    written: Object | None = None


def own(one: Object, namespace: str) -> bool:
    return one["metadata"].get("namespace", namespace) == namespace


class WorkflowController:
    """`environment`: variables that the processes of all pods get."""

    def __init__(self, objects: Objects, directory: Path, environment: Mapping[str, str]) -> None:
        self.objects = objects
        self.home = directory
        self.environment = environment
        self.running: dict[str, Running] = {}
        self._own = threading.local()
        self._patch = patch.object(engine_run, "Processes", self._processes)
        self._patch.start()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ends.set()
        self._thread.join()
        for one in self.running.values():
            one.run.stop()
            one.run.stop()
            one.thread.join(timeout=30)
        self._patch.stop()

    def _processes(self, timings: Timings, groups: Groups) -> Processes:
        """What the engine of this thread starts the programs of steps with."""
        return StepPods(timings, groups, self.objects, self._own.run, self._own.namespace, self.home)

    def _loop(self) -> None:
        while not self._ends.wait(LOOK):
            fire(self.objects)
            self._end_deleted()
            for workflow in self.objects.all_of("Workflow"):
                name = workflow["metadata"]["name"]
                if name in self.running:
                    self._synchronize(name, self.running[name])
                elif (workflow.get("status") or {}).get("phase", "") in ("", "Running"):
                    self._start(workflow)

    def _end_deleted(self) -> None:
        """The pods of a workflow that was deleted are deleted too: it owns them."""
        for name, running in list(self.running.items()):
            if self.objects.find("Workflow", name, running.namespace) is None:
                running.run.stop()
                running.run.stop()
                if not running.thread.is_alive():
                    del self.running[name]
        for pod in self.objects.all_of("Pod"):
            owner, namespace = pod["metadata"].get("labels", {}).get(f"{LABEL}/workflow"), pod["metadata"]["namespace"]
            if owner and self.objects.find("Workflow", owner, namespace) is None:
                self.objects.delete("Pod", pod["metadata"]["name"], namespace)

    def _start(self, workflow: Object) -> None:
        """Run a new workflow, or one that was changed for a retry."""
        name, metadata = workflow["metadata"]["name"], workflow["metadata"]
        namespace = metadata["namespace"]
        options = engine.Options(self.home, dict(self.environment), isolated=False)
        manifests = [one for kind in KINDS for one in self.objects.all_of(kind) if own(one, namespace)]
        kept = {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if metadata.get(key)}
        try:
            if workflow.get("status"):
                run = engine.prepare_retry(self.home, name, {}, options)
            else:
                fresh = {**workflow, "metadata": kept}
                run = engine.prepare(of_manifests(manifests, self.home), fresh, {}, options)
        except SlipwayError as error:
            status = {"phase": "Error", "message": str(error)}
            self.objects.change("Workflow", name, namespace, lambda one: one.update(status=status))
            return
        thread = threading.Thread(target=self._execute, args=(run, namespace), daemon=True)
        self.running[name] = Running(run, namespace, thread)
        thread.start()

    def _execute(self, run: Any, namespace: str) -> None:
        self._own.run, self._own.namespace = run, namespace
        run.execute()

    def _synchronize(self, name: str, running: Running) -> None:
        """Take over what a person has written into the object, and write the engine's state into it."""
        ended = not running.thread.is_alive()
        status = running.run._stored()["status"]
        waits = False

        def edit(workflow: Object) -> None:
            nonlocal waits
            if workflow["spec"].get("shutdown") and not running.stopped:
                running.stopped = True
                running.run.stop()
            waits = self._answer(name, workflow, running)
            if not waits:
                workflow["status"] = status
            if ended:
                workflow["metadata"].setdefault("labels", {})[f"{LABEL}/completed"] = "true"

        current = self.objects.find("Workflow", name, running.namespace) or {}
        asked = bool((current.get("spec") or {}).get("shutdown")) and not running.stopped
        if ended or asked or status != running.written or current.get("status") != running.written:
            self.objects.change("Workflow", name, running.namespace, edit)
            running.written = None if waits else status
        if ended:
            del self.running[name]

    def _answer(self, name: str, workflow: Object, running: Running) -> bool:
        """Hand answers on to the engine. True: it has not taken them in yet, and the object has to stay as it is."""
        operation = running.run._operation
        stored = (workflow.get("status") or {}).get("nodes") or {}
        given = {}
        for key in list(operation.suspended if operation else ()):
            if stored.get(key, {}).get("phase") == "Succeeded":
                listed = (stored[key].get("outputs") or {}).get("parameters") or []
                given[key] = {one["name"]: str(one["value"]) for one in listed if "value" in one}
        if given:
            # refused where the engine has taken the answer in just now, or has not stored the node yet: the next look
            # sees which
            with suppress(Refused):
                engine.resume(self.home, name, given)
        return bool(given)
