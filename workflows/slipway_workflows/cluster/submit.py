"""Makes the Workflow that `argo submit --from` would create, and checks the parameters, which Argo does not."""

import uuid
from collections.abc import Mapping
from typing import Any

from slipway_steps.domain.errors import BadInput
from slipway_workflows.argo.parameters import check_names
from slipway_workflows.argo.times import now
from slipway_workflows.step_parameters import declared_parameters, name_of, spec_of

API = "argoproj.io/v1alpha1"
SUBMISSION = "slipway.dev/submission"
"""Annotation with a unique id of the submission. It tells whether an existing workflow comes from this submission."""


def submission(source: dict[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The manifest of a Workflow that runs `source`, a WorkflowTemplate or CronWorkflow, with the parameters `given`.

    Raises BadInput for a parameter that `source` does not have, which Argo would ignore, and for a parameter that is
    missing, with which Argo would start and then fail. Raises WorkflowInvalid where the parameters of `source` cannot
    be read.
    """
    name, cron = name_of(source), source.get("kind") == "CronWorkflow"
    inner = spec_of(source)
    spec = inner if cron else {"workflowTemplateRef": {"name": name}}
    parameters = declared_parameters(inner)
    check_names(name, parameters, given)
    for key, item in parameters.items():
        value = given.get(key, item.get("value", item.get("default")))
        if value is None and not item.get("valueFrom"):
            raise BadInput(f"{name} needs a value for {key}", f"for example: -p {key}=VALUE")
    label = "cron-workflow" if cron else "workflow-template"
    own = uuid.uuid4().hex
    metadata: dict[str, Any] = {
        # the name is chosen here and not by the server: so a repeated creation call cannot make a second workflow
        "name": f"{name}-{own[:8]}",
        "labels": {f"workflows.argoproj.io/{label}": name},
        "annotations": {SUBMISSION: own},
    }
    if cron:
        metadata["annotations"]["workflows.argoproj.io/scheduled-time"] = now()
    arguments = {key: {"name": key, "value": value} for key, value in given.items()}
    if cron:
        inherited = {key: item for key, item in parameters.items() if key not in arguments}
        arguments = inherited | arguments
    if arguments:
        spec = {
            **spec,
            "arguments": {**((inner.get("arguments") or {}) if cron else {}), "parameters": list(arguments.values())},
        }
    return {"apiVersion": API, "kind": "Workflow", "metadata": metadata, "spec": spec}
