"""What a place that runs workflows must offer. The commands of `slipway` know no more of it than this."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from slipway_steps.domain.environment import Environment
from slipway_workflows.argo import Listener, StoredNode, StoredWorkflow


@dataclass(frozen=True)
class FoundWorkflow:
    """A workflow of a place. `died`: its engine was killed before its end; `files`: its directory on this machine."""

    workflow: StoredWorkflow
    died: bool = False
    files: Path | None = None

    @property
    def name(self) -> str:
        """`metadata.name`."""
        return self.workflow.name


class Execution(Protocol):
    """A workflow that somebody has started, or goes on with."""

    @property
    def name(self) -> str:
        """The workflow's name."""
        ...

    def follow(self, listener: Listener) -> StoredWorkflow:
        """Tell `listener` of each change until the workflow has ended; returns it as it ended.

        In a place that `runs_in_foreground` this runs it: nothing happens before, and it may be called once.
        """
        ...

    def stop(self) -> None:
        """Stop it, from a signal handler too: its exit handler still runs; a second call ends that as well."""
        ...


class Workflows(Protocol):
    """The workflows of one place. Methods that take a name raise Refused where there is no workflow of that name.

    All raise PlatformError where the place cannot be reached.
    """

    runs_in_foreground: bool
    """A workflow lives in the process that started it: whoever starts one follows it, and can be asked meanwhile."""

    def list(self) -> Iterable[FoundWorkflow]:
        """All workflows, in no order; their nodes are not read."""
        ...

    def get(self, name: str) -> FoundWorkflow:
        """The workflow of that name."""
        ...

    def submit(self, template: str, parameters: Mapping[str, str]) -> Execution:
        """Start a workflow from the template of that name.

        Raises Refused or BadInput where there is none, and BadInput for a parameter that it does not have or does not
        take the value of.
        """
        ...

    def retry(self, name: str, parameters: Mapping[str, str]) -> Execution:
        """Go on with a workflow that failed or died, by `argo.retry_rule`; `parameters` change its arguments.

        Raises Refused where it has not ended or has succeeded, BadInput for a parameter that it does not have.
        """
        ...

    def watch(self, name: str, listener: Listener) -> StoredWorkflow:
        """Tell `listener` of each change of a workflow that somebody else started, until it has ended; returns it.

        Raises Refused where it can come to no end because its engine has died.
        """
        ...

    def log(self, name: str, nodes: Sequence[StoredNode]) -> Iterable[tuple[StoredNode, str | None]]:
        """What the programs of these nodes wrote, node by node; None where it is gone."""
        ...

    def stop(self, name: str) -> None:
        """Stop a running workflow; its exit handler still runs. Raises Refused where it does not run."""
        ...

    def resume(self, name: str, node: str | None) -> None:
        """Let the nodes that wait go on with their defaults, or only `node`, by id or display name.

        Raises Refused where nothing waits, or a parameter that is asked for has no default.
        """
        ...

    def answer(self, name: str, word: str) -> None:
        """Answer all nodes that wait with `word`, as `argo.answers` has it. Raises Refused where none takes it."""
        ...

    def version_in(self, environment: Environment) -> str | None:
        """The model version that a person means who names an environment: what it serves now; None if that is unknown.

        Raises Refused where nothing is served there, or a release that still runs owns the environment.
        """
        ...
