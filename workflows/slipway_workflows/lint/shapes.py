"""The rule on fields that have the wrong type: Argo's server refuses such a file."""

from typing import Any

from slipway_workflows.engine.manifests import fields
from slipway_workflows.lint.rule import Rule
from slipway_workflows.lint.subject import Found, Subject


def wrong_shape(subject: Subject) -> Found:
    """The fields of a workflow's spec that have the wrong type. A field that only the local engine does not know, or
    only the local engine needs, is none of them.
    """
    spec: Any = subject.document.manifest
    path = subject.document.spec_path
    for key in path:
        spec = spec.get(key) if isinstance(spec, dict) else None
    where = ".".join(map(str, path))
    if not isinstance(spec, dict):
        yield path, f"{where}: must be a map with the workflow"
        return
    for fault in fields.faults(spec, fields.SPEC, where):
        if fields.WRONG_TYPE in fault:
            yield path, fault


RULES = (
    Rule(
        "SL023",
        "wrong-shape",
        "A field of the wrong type makes Argo refuse the whole file, when it is applied or when it is submitted.",
        "Give the field the type that Argo's reference names.",
        wrong_shape,
    ),
)
