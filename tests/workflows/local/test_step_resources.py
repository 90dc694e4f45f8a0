"""The memory that a step asks for: in the workflow's own templates, in those of the library, and by a parameter."""

import json
from pathlib import Path
from typing import Any

import pytest

from slipway_workflows.argo.stored import read_workflow
from slipway_workflows.engine.state.store import LIBRARY
from slipway_workflows.local.step_resources import MEMORY_REQUEST, Resources, StepResources
from slipway_workflows.step import REQUESTS

MIB = 2**20


def template(name: str, **resources: Any) -> dict[str, Any]:
    return {"name": name, "container": {"image": "busybox:1", "resources": resources}}


def of(directory: Path, **node: Any) -> Resources:
    library = [
        {"kind": "ConfigMap", "metadata": {"name": "shared"}},
        {
            "kind": "WorkflowTemplate",
            "metadata": {"name": "shared"},
            "spec": {"templates": [template("a", limits={"memory": "64Mi"})]},
        },
    ]
    (directory / LIBRARY).write_text(json.dumps(library))
    own = [
        template("a", limits={"memory": "2Gi"}, requests={"memory": "1Gi"}),
        template("bad", limits={"memory": "2GB"}),
        {"name": "none", "script": {"image": "busybox:1"}},
    ]
    of_template = {"templates": [template("exit", limits={"memory": "32Mi"})]}
    nodes = {"n": {"name": "n", "type": "Pod", **node}}
    manifest = {"spec": {"templates": own}, "status": {"nodes": nodes, "storedWorkflowTemplateSpec": of_template}}
    workflow = read_workflow(manifest)
    return StepResources(directory, workflow).of(workflow.nodes["n"])


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"templateName": "a", "templateScope": "local/wf"}, Resources(1024 * MIB, 2048 * MIB)),
        ({"templateName": "a", "templateScope": "namespaced/shared"}, Resources(64 * MIB, 64 * MIB)),
        ({"templateName": "exit", "templateScope": "local/wf"}, Resources(32 * MIB, 32 * MIB)),
        ({"templateRef": {"name": "shared", "template": "a"}}, Resources(64 * MIB, 64 * MIB)),
        ({"templateRef": {"name": "shared", "template": "b"}}, Resources(None, None)),
        ({"templateName": "bad", "templateScope": "local/wf"}, Resources(None, None)),
        ({"templateName": "none", "templateScope": "local/wf"}, Resources(None, None)),
        (
            {"templateName": "a", "inputs": {"parameters": [{"name": MEMORY_REQUEST, "value": "3Gi"}]}},
            Resources(3072 * MIB, 3072 * MIB),
        ),
    ],
)
def test_what_a_step_asks_for(tmp_path: Path, node: dict[str, Any], expected: Resources) -> None:
    assert of(tmp_path, **node) == expected


def test_the_parameter_is_that_of_our_templates() -> None:
    assert REQUESTS["memory"] == MEMORY_REQUEST
