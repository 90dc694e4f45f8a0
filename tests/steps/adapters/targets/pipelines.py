"""Pipelines that the tests of targets run."""

import json
import secrets
from pathlib import Path
from typing import Any

from slipway_steps.domain.perf_scenario import PerfScenario

SESSION = f"perf-{secrets.token_hex(4)}"
"""Of this process alone: removing a session ends all processes of this machine that carry its name."""
PROGRAM = "import sys, time; time.sleep(float(sys.argv[1])); sys.exit(int(sys.argv[2]))"


def two_steps(directory: Path, **container: Any) -> Path:
    """Two steps in a row; parameters say how many seconds each takes and with which code it exits."""
    parameters = [{"name": "seconds", "value": "0"}, {"name": "code", "value": "0"}]
    arguments = ["{{workflow.parameters.seconds}}", "{{workflow.parameters.code}}"]
    work = {
        "name": "work",
        "container": {
            "image": "python:3.11-alpine",
            "command": ["python3", "-c", PROGRAM],
            "args": arguments,
            **container,
        },
    }
    steps = [[{"name": "first", "template": "work"}], [{"name": "second", "template": "work"}]]
    workflow = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "two-steps-"},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": parameters},
            "templates": [{"name": "main", "steps": steps}, work],
        },
    }
    return written(directory / "two-steps.yaml", workflow)


def compiled(directory: Path, **container: Any) -> Path:
    """The same two steps as an IR pipeline, in the form that `kfp dsl compile` writes."""
    inputs = {"parameters": {"seconds": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0}}}
    inputs["parameters"]["code"] = {"parameterType": "NUMBER_INTEGER", "defaultValue": 0}
    passed = {"parameters": {name: {"componentInputParameter": name} for name in ("seconds", "code")}}
    first = {"componentRef": {"name": "comp-work"}, "inputs": passed, "taskInfo": {"name": "first"}}
    second = {**first, "taskInfo": {"name": "second"}, "dependentTasks": ["first"]}
    executor = {"image": "python:3.11-alpine", "command": ["python3", "-c", PROGRAM], **container}
    pipeline = {
        "pipelineInfo": {"name": "two-steps"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.0",
        "root": {"inputDefinitions": inputs, "dag": {"tasks": {"first": first, "second": second}}},
        "components": {"comp-work": {"executorLabel": "exec-work", "inputDefinitions": inputs}},
        "deploymentSpec": {"executors": {"exec-work": {"container": executor}}},
    }
    return written(directory / "two-steps-ir.yaml", pipeline)


def written(path: Path, told: Any) -> Path:
    path.write_text(json.dumps(told))
    return path


def scenario(**more: Any) -> PerfScenario:
    return PerfScenario.model_validate({"mode": "PIPELINE_RUN", "pipelineFileName": "x.yaml", **more})
