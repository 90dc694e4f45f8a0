"""Rules about a step or task and the outputs that its text refers to, for steps and dag templates alike."""

import copy
import re

from slipway_workflows.engine.language.texts import Values, fill, fill_strictly
from slipway_workflows.engine.manifests import fields
from slipway_workflows.engine.manifests.argo_order import in_argo_order
from slipway_workflows.engine.manifests.templates import Context, TemplateCaller

BARE_TAG = re.compile(r"^\{\{\s*([^{}=][^{}]*?)\s*\}\}$")


def continues_on(caller: TemplateCaller, phase: str) -> bool:
    """Whether the `continueOn` of a step or task lets what comes after it run, although it ended in this phase."""
    rules = caller.get("continueOn") or {}
    return bool((phase == "Failed" and rules.get("failed")) or (phase == "Error" and rules.get("error")))


def drop_absent_arguments(caller: TemplateCaller, values: Values, context: Context) -> TemplateCaller:
    """The caller without those arguments whose value is only a tag of an absent output, such as one of a skipped node,
    if the template that it names has a default for them.

    `values`: the names that can be filled in; None marks an absent output.
    """
    arguments = caller.get("arguments") or {}
    absent = []
    for item in arguments.get("parameters") or []:
        match = BARE_TAG.match(item["value"]) if isinstance(item.get("value"), str) else None
        if match and match.group(1) in values and values[match.group(1)] is None:
            absent.append(item["name"])
    if not absent:
        return caller
    declared = (context.resolve(caller)[0].get("inputs") or {}).get("parameters") or []
    own = {item["name"] for item in declared if item.get("value", item.get("default")) is not None}
    defaulted = [name for name in absent if name in own]
    result = copy.copy(caller)
    kept = [item for item in arguments["parameters"] if item["name"] not in defaulted]
    result["arguments"] = {**arguments, "parameters": kept}
    return result


def fill_caller(caller: TemplateCaller, values: Values) -> TemplateCaller:
    """A step or task whose tags are filled in with the outputs of earlier ones. Its hooks are filled in when they run.

    In the artifacts of its arguments a tag that cannot be filled in stays: it says which artifact is meant. Elsewhere
    it raises ExpressionError, as an output without a value does.
    """
    later: TemplateCaller = {key: caller[key] for key in ("hooks", "depends", "inline") if key in caller}
    artifacts = (caller.get("arguments") or {}).get("artifacts")
    rest = {key: value for key, value in caller.items() if key not in later}
    if artifacts:
        rest["arguments"] = {key: value for key, value in rest["arguments"].items() if key != "artifacts"}
    filled: TemplateCaller = {**fill_strictly(in_argo_order(rest, fields.TASK), values), **later}
    if artifacts:
        filled["arguments"] = {**filled["arguments"], "artifacts": fill(artifacts, values)}
    return filled
