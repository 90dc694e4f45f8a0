"""Puts the fields of a template into the order in which Argo writes them as JSON.

Argo substitutes tags in the JSON text of a whole template: a tag ends at the next `}}` of this text, even if that is in
another field. So the order of the fields, and the empty maps that Argo always writes, decide where a tag ends that its
author did not close, and whether it ends at all.
"""

from typing import Any

from slipway_workflows.engine.manifests import fields
from slipway_workflows.engine.manifests.fields import Shape

CALLER = """name template inline arguments templateRef dependencies withItems withParam withSequence when continueOn
onExit hooks depends"""
CONTAINER = """name image command args workingDir ports envFrom env resources volumeMounts livenessProbe readinessProbe
startupProbe terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext tty source"""
ORDERS: tuple[tuple[Shape, str, tuple[str, ...]], ...] = (
    (
        fields.TEMPLATE,
        """name inputs outputs nodeSelector affinity metadata steps container script resource dag suspend volumes
        archiveLocation activeDeadlineSeconds retryStrategy parallelism failFast tolerations schedulerName
        priorityClassName serviceAccountName automountServiceAccountToken executor hostAliases securityContext
        podSpecPatch metrics synchronization timeout annotations""",
        ("inputs", "outputs", "metadata"),
    ),
    (fields.STEP, CALLER, ("arguments",)),
    (fields.TASK, CALLER, ("arguments",)),
    (fields.CONTAINER, CONTAINER, ("resources",)),
    (fields.SCRIPT, CONTAINER, ("resources",)),
    (fields.HOOK, "template arguments templateRef expression", ("arguments",)),
    (fields.PARAMETER, "name default value valueFrom globalName enum description", ()),
    (fields.PARAMETERS, "parameters artifacts", ()),
)
"""Each shape with its fields, in the order of Argo's Go types, and the fields that Argo always writes, as an empty map
where they are not set."""


def in_argo_order(value: Any, shape: Any) -> Any:
    """A copy of a template, step or task with its fields in Argo's order. `shape`: what it is, see `fields`."""
    if isinstance(shape, list) and isinstance(value, list):
        return [in_argo_order(item, shape[0]) for item in value]
    if not isinstance(shape, dict) or not isinstance(value, dict):
        return value
    order, always = next(((names.split(), empty) for of, names, empty in ORDERS if of is shape), ([], ()))
    found = {**{name: {} for name in always}, **value}
    known = [name for name in order if name in found]
    return {name: in_argo_order(found[name], shape.get(name)) for name in dict.fromkeys([*known, *found])}
