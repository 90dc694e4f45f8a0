"""Which `{{...}}` of a template can ever be resolved; one that cannot ends in an error that names it, not in a hang."""

import json
import re
from collections.abc import Iterator
from typing import Any

from slipway_workflows.engine.language import substitution
from slipway_workflows.engine.manifests.templates import Template

PREFIXES = ("item.", "steps.", "inputs.", "outputs.", "pod.", "workflow.", "tasks.")
"""How the names begin that mean something to Argo; any other tag is the program's own, and stays as it is."""
PLACES = (
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
ALWAYS = re.compile(r"^(?:pod\.name|node\.name|retries|lastRetry\.\w+|steps\.name|tasks\.name)$")
AT_THE_END = ("workflow.status", "workflow.failures", "workflow.duration")


def simple_tags(value: Any) -> Iterator[str]:
    """Argo's names in the simple tags of a value; expressions and tags within tags are judged when they are reached.

    Raises ExpressionError for a tag without an end.
    """
    for _, tag in substitution.pieces(json.dumps(value, ensure_ascii=False)):
        name = (tag or "").strip()
        if name.startswith(PREFIXES) and substitution.BEGIN not in name:
            yield name


def left_by(prefix: str, template: Template | None) -> set[str]:
    """What a step or task of that template can leave behind. `template` None: its name is only known later."""
    found = {f"{prefix}.{place}" for place in PLACES}
    if template is None:
        return found | {f"{prefix}.outputs.*"}
    for kind in ("parameters", "artifacts"):
        for item in (template.get("outputs") or {}).get(kind) or []:
            found.add(f"{prefix}.outputs.{kind}.{item.get('name')}")
    return found


def own_names(template: Template) -> set[str]:
    """What a template can say about itself."""
    found = {"inputs.parameters"}
    inputs, outputs = template.get("inputs") or {}, template.get("outputs") or {}
    found |= {f"inputs.parameters.{item.get('name')}" for item in inputs.get("parameters") or []}
    for item in inputs.get("artifacts") or []:
        found |= {f"inputs.artifacts.{item.get('name')}", f"inputs.artifacts.{item.get('name')}.path"}
    for kind in ("parameters", "artifacts"):
        found |= {f"outputs.{kind}.{item.get('name')}.path" for item in outputs.get(kind) or []}
    return found


def unresolvable(value: Any, known: set[str], loop: bool = False) -> list[str]:
    """The tags of a value that nothing will ever resolve. Raises ExpressionError for a tag without an end."""
    found = []
    for name in simple_tags(value):
        if name in known or ALWAYS.match(name):
            continue
        if loop and name.startswith("item."):
            continue
        if ".outputs." in name and name.split(".outputs.")[0] + ".outputs.*" in known:
            continue
        found.append(name)
    return list(dict.fromkeys(found))
