"""Reads and writes Workflows of one namespace. Errors are those of `adapters.cluster.api`, retried there."""

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

from slipway_steps.domain.errors import PlatformError, Refused
from slipway_steps.settings import Settings
from slipway_workflows.cluster.submit import SUBMISSION

GROUP = ("argoproj.io", "v1alpha1")
TRIES = 10
"""Times that a change is made anew on what the controller has written meanwhile; it writes every few seconds."""
COMPRESS = 512 * 1024
"""Bytes of nodes above which they are written compressed, as the controller has them; etcd takes 1.5 MB in all."""

Workflow = dict[str, Any]


class Workflows:
    """The workflows, templates and pods of the namespace that `settings.workflows_namespace` names."""

    def __init__(self, settings: Settings) -> None:
        from slipway_steps.adapters.kubernetes.api import Api  # a quarter of a second that only a cluster costs

        self.namespace = settings.workflows_namespace
        self.api = Api(settings)

    def _custom(self, verb: str, plural: str, *arguments: Any, what: str, absent: bool = False) -> Any:
        method = f"{verb}_namespaced_custom_object"
        return self.api.call(
            "CustomObjectsApi", method, *GROUP, self.namespace, plural, *arguments, what=what, absent=absent
        )

    def listing(self) -> list[Workflow]:
        """All workflows, with what the API keeps of their nodes."""
        found = self._custom("list", "workflows", what=f"listing workflows in {self.namespace}")
        return [whole(one) for one in found.get("items") or []]

    def get(self, name: str) -> Workflow:
        """The workflow. Raises Refused, naming some there are, where there is none."""
        found = self._custom("get", "workflows", name, what=f"reading workflow {name}", absent=True)
        if found is None:
            known = ", ".join(sorted(one["metadata"]["name"] for one in self.listing())[-10:])
            raise Refused(f"there is no workflow {name} in namespace {self.namespace}", f"known: {known or 'none'}")
        return whole(found)

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

    def create(self, manifest: Workflow) -> str:
        """Submit; returns the workflow's name. Raises Conflict where there is another of that name."""
        from slipway_steps.adapters.kubernetes.api import Conflict

        name = str(manifest["metadata"]["name"])
        try:
            self._custom("create", "workflows", manifest, what=f"submitting workflow {name}")
        except Conflict:
            # the first try may have got through although its answer did not
            mark = manifest["metadata"]["annotations"][SUBMISSION]
            if (self.get(name)["metadata"].get("annotations") or {}).get(SUBMISSION) != mark:
                raise
        return name

    def change(self, name: str, how: Callable[[Workflow], Workflow]) -> Workflow:
        """Read the workflow, change it, write it back if nobody else has; else once more. Returns what was written.

        Raises PlatformError where somebody else was always faster; what `how` raises goes through.
        """
        from slipway_steps.adapters.kubernetes.api import Conflict

        for _ in range(TRIES):
            changed = how(self.get(name))
            try:
                self._custom("replace", "workflows", name, _packed(changed), what=f"changing workflow {name}")
            except Conflict:
                continue
            return changed
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


def whole(workflow: Workflow) -> Workflow:
    """A workflow with its nodes unpacked: the controller compresses many of them.

    Raises PlatformError where it has put them into a database, which the Kubernetes API cannot read.
    """
    status = workflow.get("status") or {}
    packed = status.get("compressedNodes")
    if packed:
        status["nodes"] = json.loads(gzip.decompress(base64.b64decode(packed)))
        del status["compressedNodes"]
    elif status.get("offloadNodeStatusVersion"):
        name = workflow["metadata"]["name"]
        raise PlatformError(f"the nodes of {name} are in Argo's database", f"use Argo's own program: argo get {name}")
    return workflow


def _packed(workflow: Workflow) -> Workflow:
    status = workflow.get("status") or {}
    text = json.dumps(status.get("nodes") or {}).encode()
    if len(text) < COMPRESS:
        return workflow
    rest = {key: value for key, value in status.items() if key != "nodes"}
    packed = base64.b64encode(gzip.compress(text)).decode()
    return {**workflow, "status": rest | {"compressedNodes": packed}}
