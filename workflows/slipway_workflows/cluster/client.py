"""Reads and writes Workflows of one namespace. Errors are those of `adapters.kubernetes.api`, retried there."""

from collections.abc import Callable
from typing import Any

from slipway_steps.domain.errors import PlatformError, Refused
from slipway_steps.settings import Settings
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.argo.compression import COMPRESS_ABOVE, packed_status
from slipway_workflows.argo.stored import read_workflow
from slipway_workflows.cluster.submit import SUBMISSION

GROUP = ("argoproj.io", "v1alpha1")
TRIES = 10
"""Times that a change is made anew on what the controller has written meanwhile; it writes every few seconds."""
Manifest = dict[str, Any]


class Client:
    """The workflows, templates and pods of the namespace that `settings.workflows_namespace` names.

    compress_above: bytes of nodes above which they are written compressed.
    """

    def __init__(self, settings: Settings, compress_above: int = COMPRESS_ABOVE) -> None:
        from slipway_steps.adapters.kubernetes.api import Api  # a quarter of a second that only a cluster costs

        self.namespace = settings.workflows_namespace
        self.compress_above = compress_above
        self.api = Api(settings)

    def _custom(self, verb: str, plural: str, *arguments: Any, what: str, absent: bool = False) -> Any:
        method = f"{verb}_namespaced_custom_object"
        return self.api.call(
            "CustomObjectsApi", method, *GROUP, self.namespace, plural, *arguments, what=what, absent=absent
        )

    def workflows(self) -> list[StoredWorkflow]:
        """All workflows."""
        found = self._custom("list", "workflows", what=f"listing workflows in {self.namespace}")
        return [read_workflow(one) for one in found.get("items") or []]

    def workflow(self, name: str) -> StoredWorkflow:
        """The workflow. Raises Refused, naming some there are, where there is none."""
        found = self._custom("get", "workflows", name, what=f"reading workflow {name}", absent=True)
        if found is None:
            known = ", ".join(sorted(one.name for one in self.workflows())[-10:])
            raise Refused(f"there is no workflow {name} in namespace {self.namespace}", f"known: {known or 'none'}")
        return read_workflow(found)

    def source(self, name: str) -> dict[str, Any]:
        """The WorkflowTemplate, or else the CronWorkflow, of that name. Raises Refused where there is neither."""
        for plural in ("workflowtemplates", "cronworkflows"):
            found: dict[str, Any] | None = self._custom("get", plural, name, what=f"reading {name}", absent=True)
            if found is not None:
                return found
        listed = self._custom("list", "workflowtemplates", what=f"listing templates in {self.namespace}")
        known = ", ".join(sorted(one["metadata"]["name"] for one in listed.get("items") or []))
        raise Refused(
            f"there is no workflow template {name} in namespace {self.namespace}",
            f"known: {known or 'none; install them: ansible-playbook ansible/workflow_templates_apply.yml'}",
        )

    def find(self, kind: str, name: str) -> dict[str, Any] | None:
        """The WorkflowTemplate of that name, or None; a ClusterWorkflowTemplate is not looked up."""
        if kind != "WorkflowTemplate":
            return None
        found: dict[str, Any] | None = self._custom(
            "get", "workflowtemplates", name, what=f"reading {name}", absent=True
        )
        return found

    def create(self, manifest: Manifest) -> str:
        """Submit; returns the workflow's name. Raises Conflict where there is another of that name."""
        from slipway_steps.adapters.kubernetes.api import Conflict

        name = str(manifest["metadata"]["name"])
        try:
            self._custom("create", "workflows", manifest, what=f"submitting workflow {name}")
        except Conflict:
            # the first try may have got through although its answer did not
            mark = manifest["metadata"]["annotations"][SUBMISSION]
            if (self.workflow(name).metadata.get("annotations") or {}).get(SUBMISSION) != mark:
                raise
        return name

    def change(self, name: str, how: Callable[[StoredWorkflow], Manifest]) -> None:
        """Read the workflow, change it, write it back if nobody else has; else once more.

        Raises PlatformError where somebody else was always faster; what `how` raises goes through.
        """
        from slipway_steps.adapters.kubernetes.api import Conflict

        for _ in range(TRIES):
            changed = how(self.workflow(name))
            if "status" in changed:
                changed = {**changed, "status": packed_status(changed["status"], self.compress_above)}
            try:
                self._custom("replace", "workflows", name, changed, what=f"changing workflow {name}")
            except Conflict:
                continue
            return
        raise PlatformError(f"workflow {name} changed under {TRIES} attempts to change it", "try again")

    def pods(self, name: str) -> dict[str, str]:
        """Node id -> name of the pod, of those that are still there."""
        found = self.api.call(
            "CoreV1Api",
            "list_namespaced_pod",
            self.namespace,
            label_selector=f"workflows.argoproj.io/workflow={name}",
            what=f"listing pods of {name}",
        )
        pods = [one["metadata"] for one in found.get("items") or []]
        # Argo 3 names a pod after its node; 4 writes the node's id down.
        known = "workflows.argoproj.io/node-id"
        return {(one.get("annotations") or {}).get(known, one["name"]): one["name"] for one in pods}

    def delete_pod(self, pod: str) -> None:
        """Delete a pod; one that is not there is no error."""
        arguments = (pod, self.namespace)
        self.api.call("CoreV1Api", "delete_namespaced_pod", *arguments, what=f"deleting pod {pod}", absent=True)

    def log(self, pod: str) -> str:
        """What a step wrote. Raises PlatformError where its container has not started."""
        return self.api.text(
            "CoreV1Api", "read_namespaced_pod_log", pod, self.namespace, container="main", what=f"reading logs of {pod}"
        )
