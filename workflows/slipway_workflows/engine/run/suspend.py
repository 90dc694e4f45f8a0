"""A suspend template: waits for a duration, or until another process answers it by `stored_runs.resume`."""

import asyncio
from typing import Any

from slipway_workflows.engine.errors import NodeError
from slipway_workflows.engine.language.durations import seconds
from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.run.operation import Operation
from slipway_workflows.engine.state.nodes import Node


async def execute_suspend(operation: Operation, node: Node, template: Template, on_exit: bool) -> None:
    """Wait for the answer or the duration; the node has its outputs and its final phase afterwards.

    Raises NodeError where an output parameter got no value and has no default.
    """
    declared = (template.get("outputs") or {}).get("parameters") or []
    if declared:
        node.outputs = {"parameters": [dict(item) for item in declared]}
    duration = (template["suspend"] or {}).get("duration")
    limit = seconds(duration) if duration not in (None, "") else None
    answer: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    operation.suspended[node.id] = answer
    stopped: asyncio.Future[Any] = asyncio.ensure_future(operation.shutdown.event(on_exit).wait())
    operation.tree.touch(node)
    try:
        await asyncio.wait({answer, stopped}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        operation.suspended.pop(node.id, None)
    if not answer.done() and not operation.shutdown.may_run(on_exit):
        operation.tree.mark(node, "Failed", operation.shutdown.reason)
        return
    given = answer.result() if answer.done() else {}
    for item in node.outputs.get("parameters") or []:
        value = _value(item, given)
        if value is None:
            raise NodeError(f"raw output parameter '{item['name']}' has not been set and does not have a default value")
        item["value"] = value
    operation.tree.mark(node, "Succeeded", "Resumed" if answer.done() else "")


def _value(item: dict[str, Any], given: dict[str, str]) -> str | None:
    """The value of an output parameter: the one given, or its default; None where there is none."""
    if item["name"] in given:
        return given[item["name"]]
    source = item.get("valueFrom") or {}
    value = source.get("default", item.get("value"))
    return None if value is None else str(value)
