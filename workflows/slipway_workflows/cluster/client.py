"""Reads and writes the Workflows of one namespace through `adapters.kubernetes.api`, which retries failed calls.

Every method raises the PlatformError of that module where the API server cannot be reached or refuses a call.
"""

from collections.abc import Callable
from typing import Any

from slipway_steps.adapters.kubernetes.api import Api, Conflict
from slipway_steps.adapters.kubernetes.paths import path_of
from slipway_steps.domain.errors import PlatformError, Refused
from slipway_steps.settings import Settings
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.argo.compression import COMPRESS_ABOVE, packed_status
from slipway_workflows.argo.stored import read_workflow
from slipway_workflows.cluster.pod_log import ARCHIVED, MAIN, own_lines
from slipway_workflows.cluster.submit import SUBMISSION

CHANGE_ATTEMPTS = 10
"""How often a change is attempted; each time on a new read, because the controller writes every few seconds."""
Manifest = dict[str, Any]


class Client:
    """The workflows, templates and pods of the namespace `settings.workflows_namespace`.

    compress_above: size of `status.nodes` in bytes from which it is written compressed.
    """

    def __init__(self, settings: Settings, compress_above: int = COMPRESS_ABOVE) -> None:
        self.settings = settings
        self.namespace = settings.workflows_namespace
        self.compress_above = compress_above
        self.api = Api(settings)

    def _path(self, plural: str, name: str = "", version: str = "argoproj.io/v1alpha1") -> str:
        return path_of(version, plural, self.namespace, name)

    def workflows(self) -> list[StoredWorkflow]:
        """All workflows of the namespace."""
        found = self.api.get(self._path("workflows"), what=f"listing workflows in {self.namespace}")
        return [read_workflow(one) for one in found.get("items") or []]

    def workflow(self, name: str) -> StoredWorkflow:
        """The workflow of that name. Where there is none, raises Refused with the names of ten others."""
        found = self.api.get(self._path("workflows", name), what=f"reading workflow {name}", absent=True)
        if found is None:
            known = ", ".join(sorted(one.name for one in self.workflows())[-10:])
            raise Refused(f"there is no workflow {name} in namespace {self.namespace}", f"known: {known or 'none'}")
        return read_workflow(found)

    def source(self, name: str) -> dict[str, Any]:
        """The manifest of the WorkflowTemplate, or else CronWorkflow, of that name. Raises Refused if none is."""
        for plural in ("workflowtemplates", "cronworkflows"):
            found: dict[str, Any] | None = self.api.get(self._path(plural, name), what=f"reading {name}", absent=True)
            if found is not None:
                return found
        listed = self.api.get(self._path("workflowtemplates"), what=f"listing templates in {self.namespace}")
        known = ", ".join(sorted(one["metadata"]["name"] for one in listed.get("items") or []))
        raise Refused(
            f"there is no workflow template {name} in namespace {self.namespace}",
            f"known: {known or 'none; install them: ansible-playbook ansible/workflow_templates_apply.yml'}",
        )

    def find(self, kind: str, name: str) -> dict[str, Any] | None:
        """The manifest of the WorkflowTemplate of that name, or None. Other kinds are not looked up: always None."""
        if kind != "WorkflowTemplate":
            return None
        found: dict[str, Any] | None = self.api.get(
            self._path("workflowtemplates", name), what=f"reading {name}", absent=True
        )
        return found

    def create(self, manifest: Manifest) -> str:
        """Create a Workflow; returns its name. Raises Conflict where there is another workflow of that name."""
        name = str(manifest["metadata"]["name"])
        try:
            self.api.post(self._path("workflows"), manifest, what=f"submitting workflow {name}")
        except Conflict:
            # a first call may have created it although its response was lost, and the retry found it there
            submission_id = manifest["metadata"]["annotations"][SUBMISSION]
            if (self.workflow(name).metadata.get("annotations") or {}).get(SUBMISSION) != submission_id:
                raise
        return name

    def change(self, name: str, edit: Callable[[StoredWorkflow], Manifest]) -> None:
        """Read the workflow, let `edit` return the changed manifest, and replace the workflow by it.

        This starts again from the read if somebody else has changed the workflow meanwhile. Raises PlatformError after
        ten attempts; what `edit` raises is passed on.
        """
        for _ in range(CHANGE_ATTEMPTS):
            changed = edit(self.workflow(name))
            if "status" in changed:
                changed = {**changed, "status": packed_status(changed["status"], self.compress_above)}
            try:
                self.api.put(self._path("workflows", name), changed, what=f"changing workflow {name}")
            except Conflict:
                continue
            return
        raise PlatformError(
            f"workflow {name} was changed by somebody else during each of {CHANGE_ATTEMPTS} attempts", "try again"
        )

    def pods(self, name: str) -> dict[str, Manifest]:
        """Node id -> its pod, for the pods of the workflow that still exist."""
        selector = f"workflows.argoproj.io/workflow={name}"
        path = self._path("pods", version="v1")
        found = self.api.get(path, what=f"listing pods of {name}", labelSelector=selector)
        # Argo 4 writes the node id into an annotation; in Argo 3 the name of the pod is the node id.
        node_id = "workflows.argoproj.io/node-id"
        pods = [(one["metadata"], one) for one in found.get("items") or []]
        return {(metadata.get("annotations") or {}).get(node_id, metadata["name"]): one for metadata, one in pods}

    def delete_pod(self, pod: str) -> None:
        """Delete the pod of that name; that it does not exist is no error."""
        self.api.delete(self._path("pods", pod, version="v1"), what=f"deleting pod {pod}", absent=True)

    def log(self, pod: str) -> str:
        """What the step wrote to the log of its container `main`. Raises PlatformError where it has not started."""
        path = f"{self._path('pods', pod, version='v1')}/log"
        text = self.api.text(path, what=f"reading logs of {pod}", container=MAIN)
        return own_lines(text)

    def archived_log(self, workflow: str, node: str) -> str:
        """What the step wrote, from the archive, by the id of its node. Raises PlatformError where it cannot be read.

        Argo's server is asked: only it, and Argo's containers in the pods, have the keys of the store.
        """
        from slipway_steps.adapters.http.argo_server import ArgoServer

        return own_lines(ArgoServer(self.settings, self.api.token).artifact(workflow, node, ARCHIVED))
