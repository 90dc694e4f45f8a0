"""Which names in the tags of a template can be resolved.

A workflow with another name in a tag is refused, with a message that names it: at run time it might wait for ever.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from slipway_workflows.engine.language import substitution
from slipway_workflows.engine.manifests.templates import Template

PREFIXES = ("item.", "steps.", "inputs.", "outputs.", "pod.", "workflow.", "tasks.")
"""The beginnings of names that mean something to Argo. Other tags are meant for the step's program; they stay."""
NODE_FIELDS = (
    "id",
    "status",
    "startedAt",
    "finishedAt",
    "ip",
    "exitCode",
    "hostNodeName",
    "outputs.result",
    "outputs.parameters",
)
"""What every step or task offers under its own name, whatever outputs its template declares."""
ALWAYS_KNOWN = re.compile(r"^(?:pod\.name|node\.name|retries|lastRetry\.\w+|steps\.name|tasks\.name)$")
"""Names that every node has."""
KNOWN_ON_EXIT = ("workflow.status", "workflow.failures", "workflow.duration")
"""Names that only exit handlers and hooks have."""


def simple_tags(value: Any) -> Iterator[str]:
    """The names in the `{{name}}` tags of a value that mean something to Argo.

    Expressions, and tags inside of tags, are left out: they are only checked when they are evaluated. Raises
    ExpressionError for a tag without an end.
    """
    for _, tag in substitution.pieces(json.dumps(value, ensure_ascii=False)):
        name = (tag or "").strip()
        if name.startswith(PREFIXES) and substitution.BEGIN not in name:
            yield name


def output_names(prefix: str, template: Template | None) -> set[str]:
    """The names with which other templates read a step or task after it has ended.

    `prefix`: `steps.<name>` or `tasks.<name>`. `template`: the one it runs; None where a tag in its name makes it known
    only at run time, so that it may have any outputs.
    """
    found = {f"{prefix}.{name}" for name in NODE_FIELDS}
    if template is None:
        return found | {f"{prefix}.outputs.*"}
    for kind in ("parameters", "artifacts"):
        for item in (template.get("outputs") or {}).get(kind) or []:
            found.add(f"{prefix}.outputs.{kind}.{item.get('name')}")
    return found


def own_names(template: Template) -> set[str]:
    """The names of a template's own inputs and outputs, which it can use itself."""
    found = {"inputs.parameters"}
    inputs, outputs = template.get("inputs") or {}, template.get("outputs") or {}
    found |= {f"inputs.parameters.{item.get('name')}" for item in inputs.get("parameters") or []}
    for item in inputs.get("artifacts") or []:
        found |= {f"inputs.artifacts.{item.get('name')}", f"inputs.artifacts.{item.get('name')}.path"}
    for kind in ("parameters", "artifacts"):
        found |= {f"outputs.{kind}.{item.get('name')}.path" for item in outputs.get(kind) or []}
    return found


def unresolvable(value: Any, known: set[str], loop: bool = False) -> list[str]:
    """The names in the tags of a value that will never be resolved, each once.

    `known`: names that can be resolved; `steps.a.outputs.*` stands for all outputs of a. `loop`: whether the value is a
    step or task with items. Raises ExpressionError for a tag without an end.
    """
    found = []
    for name in simple_tags(value):
        if name in known or ALWAYS_KNOWN.match(name):
            continue
        if loop and name.startswith("item."):
            continue
        if ".outputs." in name and name.split(".outputs.")[0] + ".outputs.*" in known:
            continue
        found.append(name)
    return list(dict.fromkeys(found))
