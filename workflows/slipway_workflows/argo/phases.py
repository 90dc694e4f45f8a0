"""Argo's phases and node types. A member of these enums equals the string that Argo stores."""

from enum import StrEnum


class Phase(StrEnum):
    """The phase of a workflow or of a node. A workflow is never Skipped or Omitted."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERROR = "Error"
    SKIPPED = "Skipped"
    OMITTED = "Omitted"

    @classmethod
    def _missing_(cls, value: object) -> "Phase":
        # An object without a phase was not seen by the controller yet. A phase of a later Argo is unknown to us, too.
        return cls.PENDING

    @property
    def completed(self) -> bool:
        """Whether it ran and has ended: Succeeded, Failed or Error."""
        return self in _COMPLETED

    @property
    def fulfilled(self) -> bool:
        """Whether the phase is final: it has ended, or it was left out and will never run."""
        return self in _COMPLETED or self in _LEFT_OUT

    @property
    def failed(self) -> bool:
        """Whether it ended as Failed or Error."""
        return self in _BAD

    @property
    def left_out(self) -> bool:
        """Whether a condition (`when`, `depends`) kept it from running: Skipped or Omitted."""
        return self in _LEFT_OUT

    @property
    def good(self) -> bool:
        """Whether it has succeeded, or was left out by a condition."""
        return self.fulfilled and not self.failed


_COMPLETED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR})
_BAD = frozenset({Phase.FAILED, Phase.ERROR})
_LEFT_OUT = frozenset({Phase.SKIPPED, Phase.OMITTED})


class NodeType(StrEnum):
    """The type of a node: a pod, another unit of work, or a group of nodes."""

    POD = "Pod"
    CONTAINER = "Container"
    STEPS = "Steps"
    STEP_GROUP = "StepGroup"
    DAG = "DAG"
    TASK_GROUP = "TaskGroup"
    RETRY = "Retry"
    SKIPPED = "Skipped"
    SUSPEND = "Suspend"
    HTTP = "HTTP"
    PLUGIN = "Plugin"
    OTHER = ""
    """A type that only a later version of Argo knows."""

    @classmethod
    def _missing_(cls, value: object) -> "NodeType":
        return cls.OTHER

    @property
    def is_group(self) -> bool:
        """Whether the node runs nothing itself and only groups other nodes."""
        return self in _GROUPS

    @property
    def is_bookkeeping(self) -> bool:
        """Whether people do not see it as a step, so that the nodes it groups are shown instead of it."""
        return self in _BOOKKEEPING


_BOOKKEEPING = frozenset({NodeType.STEP_GROUP, NodeType.TASK_GROUP, NodeType.RETRY})
_GROUPS = _BOOKKEEPING | {NodeType.STEPS, NodeType.DAG}
