"""The memory that a step asks for on a cluster, and its limit there: what a measured peak is held against."""

import contextlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from slipway_steps.domain.quantity import parse_quantity
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.argo.stored_node import StoredNode, parameter_values
from slipway_workflows.engine.state.store import LIBRARY

MEMORY_REQUEST = "memory-request"
"""The parameter with the memory of a pod, as in `step.REQUESTS`, whose module would import Hera."""


class Resources(NamedTuple):
    """Bytes; None where nothing is asked for, or it is no quantity."""

    memory_request: int | None
    memory_limit: int | None


NO_RESOURCES = Resources(None, None)


class StepResources:
    """Looks up the templates of a run's nodes. `directory`: the run's."""

    def __init__(self, directory: Path, workflow: StoredWorkflow) -> None:
        self._own = _templates(workflow.status.get("storedWorkflowTemplateSpec")) | _templates(workflow.spec)
        self._library: dict[str, dict[str, Any]] = {}
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            for manifest in json.loads((directory / LIBRARY).read_text()):
                if manifest.get("kind") in ("WorkflowTemplate", "ClusterWorkflowTemplate"):
                    self._library[manifest["metadata"]["name"]] = _templates(manifest["spec"])

    def of(self, node: StoredNode) -> Resources:
        """What the pod of a node asks for. An input `memory-request` is request and limit, as in our own templates."""
        asked = parameter_values(node.inputs).get(MEMORY_REQUEST)
        if asked:
            return Resources(_bytes(asked), _bytes(asked))
        template = self._template(node)
        main = template.get("container") or template.get("script") or {}
        resources = main.get("resources") or {}
        limit = _bytes((resources.get("limits") or {}).get("memory"))
        # as in Kubernetes, what has a limit alone asks for as much
        return Resources(_bytes((resources.get("requests") or {}).get("memory")) or limit, limit)

    def _template(self, node: StoredNode) -> dict[str, Any]:
        if node.template_ref:
            found = self._library.get(str(node.template_ref.get("name")), {})
            return dict(found.get(str(node.template_ref.get("template"))) or {})
        scope = self._library.get(node.template_scope.rpartition("/")[2], {})
        return dict(scope.get(node.template_name) or self._own.get(node.template_name) or {})


def _templates(spec: Any) -> dict[str, Any]:
    return {str(one.get("name")): one for one in (spec or {}).get("templates") or [] if isinstance(one, dict)}


def _bytes(quantity: object) -> int | None:
    if not isinstance(quantity, str | int):
        return None
    with contextlib.suppress(ValueError, OverflowError):
        return int(parse_quantity(str(quantity)))
    return None
