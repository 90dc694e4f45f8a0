"""Phases and types, in Argo's words. Both enums are texts: a member equals the text that Argo stores."""

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
        # The controller has not looked yet at what has no phase. Nothing is known of a phase of a later Argo either.
        return cls.PENDING

    @property
    def completed(self) -> bool:
        """It ran to an end, good or bad."""
        return self in _COMPLETED

    @property
    def fulfilled(self) -> bool:
        """Nothing more happens to it: it ran to an end, or never will run."""
        return self in _COMPLETED or self in _LEFT_OUT

    @property
    def failed(self) -> bool:
        """It ended badly."""
        return self in _BAD

    @property
    def left_out(self) -> bool:
        """It did not run because of a condition."""
        return self in _LEFT_OUT

    @property
    def good(self) -> bool:
        """It succeeded, or a condition left it out."""
        return self.fulfilled and not self.failed


_COMPLETED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR})
_BAD = frozenset({Phase.FAILED, Phase.ERROR})
_LEFT_OUT = frozenset({Phase.SKIPPED, Phase.OMITTED})


class NodeType(StrEnum):
    """What a node stands for."""

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
    """A type of a later Argo."""

    @classmethod
    def _missing_(cls, value: object) -> "NodeType":
        return cls.OTHER

    @property
    def is_group(self) -> bool:
        """It runs nothing itself: it holds other nodes."""
        return self in _GROUPS

    @property
    def is_bookkeeping(self) -> bool:
        """A person does not think of it as a step: what it holds is shown in its place."""
        return self in _BOOKKEEPING


_BOOKKEEPING = frozenset({NodeType.STEP_GROUP, NodeType.TASK_GROUP, NodeType.RETRY})
_GROUPS = _BOOKKEEPING | {NodeType.STEPS, NodeType.DAG}
