"""How long a pod may run: the `timeout` and `activeDeadlineSeconds` of its template."""

import time

from slipway_workflows.engine.errors import NodeError
from slipway_workflows.engine.language.durations import moment, seconds
from slipway_workflows.engine.language.numbers import whole_number
from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.state.nodes import Node

TOO_SHORT = 2
"""Argo does not start a pod if this many seconds or less of its template's `timeout` are left."""
DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"
"""The message of a pod that ran too long: that of Kubernetes, which Argo passes on."""


def time_left(node: Node, template: Template) -> float | None:
    """The seconds that the pod of a node may run; None: without a limit.

    A `timeout` counts from the start of the node, `activeDeadlineSeconds` from that of the pod. Raises NodeError where
    too little of the timeout is left to start the pod at all, or `activeDeadlineSeconds` is no number once its tags are
    filled in.
    """
    if not template.get("timeout"):
        limit = template.get("activeDeadlineSeconds")
        return whole_number(limit, "activeDeadlineSeconds") if limit is not None else None
    left = seconds(template["timeout"]) - (time.time() - moment(node.started))
    if left <= TOO_SHORT:
        raise NodeError(
            f"{node.name} exceeded its deadline",
            f"Argo starts no pod with {TOO_SHORT} seconds or less left of its timeout ({template['timeout']})",
        )
    return left
