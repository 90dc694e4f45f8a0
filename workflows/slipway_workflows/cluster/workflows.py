"""The port to workflows on a cluster. The controller runs them, whether or not a command of ours is watching."""

import getpass
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError, Refused
from slipway_steps.settings import Settings
from slipway_workflows.argo import Listener, StoredNode, StoredWorkflow, watch
from slipway_workflows.argo.answers import answers, waiting_nodes
from slipway_workflows.cluster.answer import with_answers
from slipway_workflows.cluster.client import Client
from slipway_workflows.cluster.pod_log import archived_as, why_not_started
from slipway_workflows.cluster.retry import retried
from slipway_workflows.cluster.submit import submission
from slipway_workflows.ports import FoundWorkflow
from slipway_workflows.step_parameters import check_parameters

POLL = 2.0
"""Seconds between two reads of a workflow that is watched; a step on a cluster takes at least as long."""


@dataclass(frozen=True)
class ClusterExecution:
    """A workflow that the controller runs."""

    name: str
    workflows: "ClusterWorkflows"

    def follow(self, listener: Listener) -> StoredWorkflow:
        """Watch the workflow until it has ended. If watching is interrupted, the workflow still goes on."""
        return self.workflows.watch(self.name, listener)

    def stop(self) -> None:
        """Stop the workflow as `argo stop` does; its exit handler still runs."""
        self.workflows.stop(self.name)


class ClusterWorkflows:
    """The workflows of the namespace SLIPWAY_WORKFLOWS_NAMESPACE.

    client: access to the Kubernetes API. warn: shows a person a message about an error after which the work goes on.
    pause: waits between two reads of a workflow that is watched.
    """

    runs_in_foreground = False

    def __init__(
        self,
        settings: Settings,
        client: Client,
        warn: Callable[[str], None],
        pause: Callable[[], None] = lambda: time.sleep(POLL),
    ) -> None:
        self.settings = settings
        self.client = client
        self.warn = warn
        self.pause = pause

    def list(self) -> Iterable[FoundWorkflow]:
        """All workflows of the namespace."""
        return (FoundWorkflow(one) for one in self.client.workflows())

    def get(self, name: str) -> FoundWorkflow:
        """The workflow of that name. Raises Refused where there is none."""
        return FoundWorkflow(self.client.workflow(name))

    def submit(self, template: str, parameters: Mapping[str, str]) -> ClusterExecution:
        """Create a workflow from a WorkflowTemplate or CronWorkflow of the namespace."""
        source = self.client.source(template)
        check_parameters(source, parameters, self.client.find)
        return ClusterExecution(self.client.create(submission(source, parameters)), self)

    def retry(self, name: str, parameters: Mapping[str, str]) -> ClusterExecution:
        """Delete the pods of the nodes that run again, and change the workflow so that the controller continues it."""
        before = self.client.workflow(name)
        _, anew = retried(before, parameters)
        check_parameters(dict(before.manifest), parameters, self.client.find)
        for node, pod in self.client.pods(name).items():
            if node in anew:
                self.client.delete_pod(pod["metadata"]["name"])
        self.client.change(name, lambda workflow: retried(workflow, parameters)[0])
        return ClusterExecution(name, self)

    def watch(self, name: str, listener: Listener) -> StoredWorkflow:
        """Read the workflow every two seconds until it has ended."""
        self.client.workflow(name)  # raises Refused at once where there is no such workflow
        return watch(lambda: self.client.workflow(name), listener, self.warn, self.pause)

    def log(self, name: str, nodes: Sequence[StoredNode]) -> Iterable[tuple[StoredNode, str | None]]:
        """The logs of the nodes: of a pod that is gone the archived one; None where there is none.

        Where the archive cannot be read, PlatformError is raised after all other logs.
        """
        pods = self.client.pods(name)
        unread: PlatformError | None = None
        for node in nodes:
            pod, key = pods.get(node.id), archived_as(node)
            if pod is None and key is not None:
                try:
                    # a second question would wait as long as the first, for the same answer
                    archived = "" if unread else self.client.archived_log(name, node.id)
                except PlatformError as error:
                    unread = error
                if unread:
                    self.warn(f"{node.display_name}: its pod is gone, and its log is in the archive as {key}")
                else:
                    yield node, archived
                continue
            waits = why_not_started(pod) if pod else ""
            if waits:
                self.warn(f"{node.display_name} has not started yet: {waits}")
            yield node, None if pod is None else "" if waits else self.client.log(pod["metadata"]["name"])
        if unread:
            raise unread

    def stop(self, name: str) -> None:
        """Stop the workflow as `argo stop` does: the controller ends its pods and runs its exit handler."""

        def change(workflow: StoredWorkflow) -> dict[str, Any]:
            if workflow.phase.completed:
                raise Refused(f"workflow {name} is not running: it is {workflow.phase}", "see: slipway list --cluster")
            return {**workflow.manifest, "spec": {**workflow.spec, "shutdown": "Stop"}}

        self.client.change(name, change)

    def resume(self, name: str, node: str | None) -> None:
        """Resume waiting nodes as `argo resume` does."""
        self._answer(name, lambda workflow: {one.id: {} for one in waiting_nodes(workflow, node)})

    def answer(self, name: str, word: str) -> None:
        """Set the answer and resume the nodes, as `argo node set` and `argo resume` do."""
        self._answer(name, lambda workflow: answers(workflow, word))

    def _answer(self, name: str, chosen: Callable[[StoredWorkflow], Mapping[str, Mapping[str, str]]]) -> None:
        self.client.change(name, lambda workflow: with_answers(workflow, chosen(workflow), getpass.getuser()))

    def version_in(self, environment: Environment) -> str | None:
        """The version that stands in the environment, by the Kubernetes API; None, after a warning, where it cannot be
        read.
        """
        from slipway_steps.adapters.argocd.platform import KubernetesPlatform

        try:
            found = KubernetesPlatform(self.settings).standing(environment)
        except PlatformError as error:
            self.warn(f"{error}; the workflow will use the version that {environment} serves when its step starts")
            return None
        if found is None:
            raise Refused(
                f"{environment} serves nothing", "release a model first: slipway submit release-model --cluster"
            )
        return found.version
