"""A resource template: reads or changes one Kubernetes object, and waits until a condition on it holds.

SLIPWAY_RESOURCES says where objects are: `files` under `<home>/resources`, or the `cluster` that the kubeconfig names.
Without it such a template is refused, because a local run must not change a cluster that nobody meant. A condition:

    condition = requirement { "," requirement } ;  requirement = path operator value | path ["not"] "in" "(" values ")"
    operator  = "==" | "=" | "!=" | ">" | "<"      as in a label selector; the path is dotted
"""

import asyncio
import re
from typing import Any

import yaml

from slipway_steps.domain.errors import Broken, SlipwayError, WorkflowInvalid
from slipway_workflows.engine.errors import NodeError
from slipway_workflows.engine.language.exprlang.path import jsonpath
from slipway_workflows.engine.language.texts import encode
from slipway_workflows.engine.machine.objects import FileObjects, Objects, object_name
from slipway_workflows.engine.manifests.names import generated_name
from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.run.deadline import DEADLINE_MESSAGE, time_left
from slipway_workflows.engine.run.operation import Operation
from slipway_workflows.engine.state.nodes import Node

POLL = 1.0
"""Seconds between two reads of an object while its condition is awaited, as in Argo's executor."""
REQUIREMENT = re.compile(r"\s*([\w.\-/]+)\s*(==|=|!=|>|<|\s(?:not\s*)?in\b)\s*(\([^)]*\)|[^,]*)\s*(?:,|$)")


def holds(condition: str, found: dict[str, Any]) -> bool:
    """Whether all requirements of a condition hold for an object. Raises NodeError for one that cannot be read."""
    at = 0
    while at < len(condition):
        match = REQUIREMENT.match(condition, at)
        if match is None:
            raise NodeError(f"condition {condition!r} cannot be read at {condition[at:][:20]!r}")
        if not _requirement(match.group(1), match.group(2).strip(), match.group(3).strip(), found):
            return False
        at = match.end()
    return True


def _requirement(path: str, operator: str, value: str, found: Any) -> bool:
    for part in path.split("."):
        if isinstance(found, list):
            found = found[int(part)] if part.isdigit() and int(part) < len(found) else None
        else:
            found = found.get(part) if isinstance(found, dict) else None
    text = "" if found is None or isinstance(found, dict | list) else encode(found).strip('"')
    if operator.endswith("in"):
        return (text in [word.strip() for word in value.strip("()").split(",")]) is not operator.startswith("not")
    if operator in (">", "<"):
        try:
            return float(text) > float(value) if operator == ">" else float(text) < float(value)
        except ValueError:
            return False
    return (text == value) is (operator != "!=")


async def execute_resource(operation: Operation, node: Node, template: Template, on_exit: bool) -> None:
    """Do the action of a resource template, and wait for its conditions.

    The node has its outputs and its final phase afterwards.
    Raises NodeError where the template's timeout leaves too little time to start.
    """
    if not operation.shutdown.may_run(on_exit):
        operation.tree.mark(node, "Failed", operation.shutdown.reason)
        return
    resource = template["resource"]
    limit = time_left(node, template)
    try:
        work = _act_and_wait(operation, node, template, resource, on_exit)
        await asyncio.wait_for(work, limit)
    except TimeoutError:
        operation.tree.mark(node, "Failed", DEADLINE_MESSAGE)
    except SlipwayError as error:
        operation.tree.mark(node, "Failed", str(error))


async def _act_and_wait(
    operation: Operation, node: Node, template: Template, resource: dict[str, Any], on_exit: bool
) -> None:
    objects = _objects(operation)
    wanted = _manifest(resource["manifest"])
    found = await asyncio.to_thread(getattr(objects, resource["action"]), wanted)
    success, failure = resource.get("successCondition"), resource.get("failureCondition")
    while (success or failure) and resource["action"] != "delete":
        if failure and holds(failure, found):
            raise Broken(f"failure condition '{failure}' evaluated true for {object_name(found)}")
        if success and holds(success, found):
            break
        if not objects.watches:
            raise Broken(
                f"{object_name(found)}: '{success or failure}' does not hold, and nothing acts on files",
                "run it on a cluster: SLIPWAY_RESOURCES=cluster",
            )
        await asyncio.sleep(POLL)
        if not operation.shutdown.may_run(on_exit):
            raise Broken(operation.shutdown.reason)
        found = await asyncio.to_thread(objects.get, found)
    node.outputs = {"exitCode": "0"}
    declared = (template.get("outputs") or {}).get("parameters") or []
    if declared:
        node.outputs["parameters"] = [{**item, "value": _value(item, found)} for item in declared]
    operation.tree.mark(node, "Succeeded")


def _objects(operation: Operation) -> Objects:
    if operation.library.resources == "files":
        return FileObjects(operation.machine.directory.parents[1] / "resources")
    if operation.machine.cluster is None:
        raise Broken("the resource templates of this run have no cluster to use", "run it with: slipway run")
    return operation.machine.cluster


def _manifest(text: str) -> dict[str, Any]:
    """The object that a resource template's manifest describes. Raises WorkflowInvalid where it describes none."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise WorkflowInvalid(f"resource.manifest is not YAML: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
        raise WorkflowInvalid("resource.manifest is not a Kubernetes object", "it needs apiVersion, kind and metadata")
    metadata = found["metadata"]
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = generated_name(metadata["generateName"])
    return found


def _value(item: dict[str, Any], found: dict[str, Any]) -> str:
    """The value of an output parameter, read from the object by its jsonPath. Raises Broken where it has none."""
    source = item.get("valueFrom") or {}
    path = str(source.get("jsonPath") or "").strip().removeprefix("{").removesuffix("}")
    try:
        value = jsonpath(found, path if path.startswith("$") else f"${path}")
    except SlipwayError as error:
        if source.get("default") is not None:
            return str(source["default"])
        raise Broken(f"cannot save parameter {item['name']}: {error.message}") from error
    return value if isinstance(value, str) else encode(value)
