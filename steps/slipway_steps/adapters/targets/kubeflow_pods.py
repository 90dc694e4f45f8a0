"""What is seen of the pods of Kubeflow Pipelines on its cluster: its own API tells their names alone.

That the cluster cannot be read costs no session: what its pods would tell is then not measured, and `reason` says why.
"""

from collections.abc import Collection

from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.targets.pod_times import PodTimes
from slipway_steps.adapters.targets.seen_pods import SeenPods
from slipway_steps.domain.errors import PlatformError

RUN, WORKFLOW = "pipeline/runid", "workflows.argoproj.io/workflow"
"""The labels of each pod of a run: the id of the run, and the name of the workflow that it became."""


class KubeflowPods:
    """The pods of all runs in a namespace, from `start` on. `reason`: why nothing is seen; "" while all is well."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.reason = ""
        self._seen = SeenPods(api, namespace, RUN, self._fail)

    @property
    def no_usage(self) -> str:
        """Why CPU and memory are not known; "" while all is well."""
        return self._seen.no_usage

    def start(self) -> None:
        """Begin to watch."""
        try:
            self._seen.start()
        except PlatformError as error:
            self._fail(error)

    def close(self) -> None:
        """End all watches. Twice is not an error."""
        self._seen.close()

    def of_run(self, run: str, names: Collection[str]) -> list[PodTimes]:
        """What was seen of the pods of a run that the API names. By their names, or by the ids of their nodes in the
        workflow: Kubeflow calls both the name of the pod.
        """
        return [pod for pod in self._seen.labelled(RUN, run) if {pod.name, pod.node_id} & set(names)]

    def workflow(self, run: str) -> str:
        """The name of the workflow that a run became, with which those of its pods begin; "" where none was seen."""
        found = (self._seen.label(pod, WORKFLOW) for pod in self._seen.labelled(RUN, run))
        return next(filter(None, found), "")

    def _fail(self, error: PlatformError) -> None:
        self.reason = str(error)
