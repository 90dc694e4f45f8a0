"""The names of steps of a run. Runs are compared by them, so that each run of a pipeline has to have the same ones."""

import re
from collections.abc import Mapping
from typing import Any

ATTEMPT = re.compile(r"\(\d+\)$")
"""The end of the name of a node that is one attempt of a step with retries."""


def step_name(node: Mapping[str, Any]) -> str:
    """The name of the step that a node of a workflow is for, without the number of an attempt; that of its template
    where the node belongs to no steps: an entrypoint, exit handler or hook that is a pod has the name of the run, which
    is another one each time.
    """
    shown = ATTEMPT.sub("", str(node.get("displayName") or node.get("name")))
    if node.get("boundaryID"):
        return shown
    return str(node.get("templateName") or (node.get("templateRef") or {}).get("template") or shown)
