"""The answer of a person to a workflow that asks for an approval, and how the answer is told from what Argo stores.

In Argo's UI, RESUME means yes and STOP means no; a deadline that runs out means that nobody has answered. Argo stores
the last two only as the message of the node that asked.
"""

from collections.abc import Iterable
from enum import StrEnum

from slipway_steps.domain.failed_step import FailedStep

STEP = "approve"
"""The step that asks, and the name of its template."""
DECISION = "decision"
"""The output parameter of that step with the answer of the person."""
YES, NO = "approve", "reject"
"""The answers. Argo accepts any text as an answer; only the word `approve` approves."""

STOPPED = ("Stopped with strategy", "workflow shutdown with strategy")
"""How Argo's message for a node begins that was ended by STOP or TERMINATE."""
LATE = "Step exceeded its deadline"
"""Argo's message for a node that was ended by the deadline of its workflow."""


class Approval(StrEnum):
    """What became of a question. The values are the words that people read in messages."""

    APPROVED = "approved by a person"
    REJECTED = "rejected by a person"
    UNANSWERED = "nobody answered in time"


def approval(message: str, answer: str | None) -> Approval | None:
    """What became of the node that asks, from its message and its answer; None where that is still open.

    answer: the value of `decision` once the node was resumed, None as long as it was not.
    """
    if answer is not None:
        return Approval.APPROVED if answer == YES else Approval.REJECTED
    if message.startswith(STOPPED):
        return Approval.REJECTED
    return Approval.UNANSWERED if message == LATE else None


def unanswered_question(failed: Iterable[FailedStep]) -> Approval | None:
    """What the end of the question means, in a workflow that ended without an answer; None in any other workflow."""
    return next((found for one in failed if one.template == STEP and (found := approval(one.message, None))), None)


def refusal(failed: Iterable[FailedStep]) -> Approval | None:
    """Why a workflow that asked was not approved, by answer or without one; None in any other workflow."""
    steps = list(failed)
    said = next((one for one in steps if one.template == "rejected" and Approval.REJECTED in one.message), None)
    return unanswered_question(steps) or (Approval.REJECTED if said else None)
