"""The port to workflows: what the commands of `slipway` need of the local engine or of a cluster.

`slipway_workflows.local` and `slipway_workflows.cluster` implement it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from slipway_steps.domain.environment import Environment
from slipway_workflows.argo import Listener, StoredNode, StoredWorkflow


@dataclass(frozen=True)
class FoundWorkflow:
    """A workflow that was found.

    died: its local engine was killed before the workflow had ended. files: its directory on this machine, if any.
    """

    workflow: StoredWorkflow
    died: bool = False
    files: Path | None = None

    @property
    def name(self) -> str:
        """The name of the workflow, `metadata.name`."""
        return self.workflow.name


class Execution(Protocol):
    """A workflow that was submitted or retried just now."""

    @property
    def name(self) -> str:
        """The name of the workflow, `metadata.name`."""
        ...

    def follow(self, listener: Listener) -> StoredWorkflow:
        """Call `listener` for each change of a node until the workflow has ended; returns the ended workflow.

        Where `Workflows.runs_in_foreground` is true this method runs the workflow: nothing runs before it is called,
        and it may be called only once.
        """
        ...

    def stop(self) -> None:
        """Stop the workflow; its exit handler still runs. May be called from a signal handler.

        Where `Workflows.runs_in_foreground` is true, a second call ends the exit handler too.
        """
        ...


class Workflows(Protocol):
    """The workflows of this machine, or those of a namespace of a cluster.

    Methods that take the name of a workflow raise Refused where there is no workflow of that name. All raise
    PlatformError where the cluster cannot be reached.
    """

    runs_in_foreground: bool
    """Whether a workflow runs in the process that submitted it, which therefore has to follow it to its end."""

    def list(self) -> Iterable[FoundWorkflow]:
        """All workflows, in no particular order; their nodes are not read yet."""
        ...

    def get(self, name: str) -> FoundWorkflow:
        """The workflow of that name."""
        ...

    def submit(self, template: str, parameters: Mapping[str, str]) -> Execution:
        """Submit a workflow from the template of that name, with values for its parameters.

        Raises Refused or BadInput where there is no such template, and BadInput for a parameter that it does not have
        or whose value it does not accept.
        """
        ...

    def retry(self, name: str, parameters: Mapping[str, str]) -> Execution:
        """Retry a workflow that failed or died, by the rule of `argo.retry_rule`; `parameters` replace arguments of it.

        Raises Refused where it has not ended or has succeeded, BadInput for a parameter that it does not have.
        """
        ...

    def watch(self, name: str, listener: Listener) -> StoredWorkflow:
        """Call `listener` for each change of a node of a workflow that another process submitted; returns it ended.

        Raises Refused where the workflow can never end because its local engine has died.
        """
        ...

    def log(self, name: str, nodes: Sequence[StoredNode]) -> Iterable[tuple[StoredNode, str | None]]:
        """Each of the nodes with the text that its program wrote to stdout and stderr; None where the log is gone."""
        ...

    def stop(self, name: str) -> None:
        """Stop a running workflow; its exit handler still runs. Raises Refused if the workflow is not running."""
        ...

    def resume(self, name: str, node: str | None) -> None:
        """Resume the waiting nodes, or only `node` (an id, a name or a display name); supplied parameters get defaults.

        Raises Refused where no such node waits, or where a supplied parameter has no default.
        """
        ...

    def answer(self, name: str, word: str) -> None:
        """Answer all waiting nodes with `word` (see `argo.answers`), which resumes them. Raises Refused if none can."""
        ...

    def version_in(self, environment: Environment) -> str | None:
        """The model version that an environment serves now; None if that cannot be found out, or it serves none.

        Raises Refused where nothing was ever deployed there, or where a release that still runs changes it.
        """
        ...
