"""How long the program of a pod may run."""

import time

from slipway_workflows.engine.errors import NodeError
from slipway_workflows.engine.language.durations import moment, seconds
from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.state.nodes import Node

SHORTEST = 2
"""Argo starts no pod whose template's timeout leaves it this many seconds or less."""


def time_left(node: Node, template: Template) -> float | None:
    """Seconds that the program of a node may run; None: any time. A `timeout` counts from the start of the node.

    Raises NodeError where too little of the timeout is left to start the program at all.
    """
    if not template.get("timeout"):
        limit = template.get("activeDeadlineSeconds")
        return float(limit) if limit is not None else None
    left = seconds(template["timeout"]) - (time.time() - moment(node.started))
    if left <= SHORTEST:
        raise NodeError(
            f"{node.name} exceeded its deadline",
            f"Argo starts no pod that a timeout ({template['timeout']}) leaves {SHORTEST} seconds or less",
        )
    return left
