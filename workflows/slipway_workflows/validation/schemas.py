"""SD001, SD002: what a schema says of an object or a file."""

import importlib.util
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import BadInput
from slipway_workflows.findings.lines import FieldPath
from slipway_workflows.validation.objects import Accepting, Fault, KubeObject, Place

KUBERNETES = "1.34"
"""The version of Kubernetes whose schemas are asked."""
VERSION, KIND = re.compile(r"(?:[a-z0-9][a-z0-9.-]{0,100}/)?[a-z0-9]{1,50}"), re.compile(r"[A-Za-z][A-Za-z0-9]{0,100}")
ARGO = ("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow", "WorkflowEventBinding")
ARGO_VERSION = "argoproj.io/v1alpha1"
KNOWN = {
    "EventBus": "Argo Events",
    "EventSource": "Argo Events",
    "Sensor": "Argo Events",
    "Application": "Argo CD",
    "ApplicationSet": "Argo CD",
    "AppProject": "Argo CD",
    "Rollout": "Argo Rollouts",
    "Experiment": "Argo Rollouts",
    "AnalysisRun": "Argo Rollouts",
    "AnalysisTemplate": "Argo Rollouts",
    "ClusterAnalysisTemplate": "Argo Rollouts",
    "WorkflowTaskSet": "Argo Workflows",
    "WorkflowTaskResult": "Argo Workflows",
    "WorkflowArtifactGCTask": "Argo Workflows",
}
"""Kinds of Argo without a schema here, and what they are part of. The API server itself looks at no field of most of
them: their definitions keep unknown fields."""
NEWER = ("pendingTimeout",)
"""Fields of Argo 4.1 that Hera's models, which are those of 4.0, do not have."""
VALUES = ("value", "default")
"""Fields of a parameter in which Argo takes a number for its text; Hera's models do not."""
INSTALL = "pip install 'slipway[platform]'"


def of_object(one: KubeObject) -> Iterator[Fault]:
    """What the API server would refuse, or ignore, in an object. Raises BadInput where no schema is installed."""
    try:
        import kubernetes_validate
    except ModuleNotFoundError as error:
        raise BadInput("no schema can be asked: kubernetes-validate is not installed", INSTALL) from error
    version = str(one.manifest.get("apiVersion") or "")
    if not VERSION.fullmatch(version) or not KIND.fullmatch(one.kind):
        yield one.fault("SD001", ("apiVersion",), "has an apiVersion or a kind that no API can have")
    elif one.group == "argoproj.io" and one.kind in ARGO:
        yield from _argo(one)
    else:
        try:
            kubernetes_validate.validate(one.manifest, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield one.fault("SD001", tuple(error.absolute_path), _told(error))
        except kubernetes_validate.SchemaNotFoundError:
            if version == ARGO_VERSION and one.kind in KNOWN:
                yield _known(one)
                return
            message = f"has no schema: {version} is neither part of Kubernetes {KUBERNETES} nor known here"
            yield one.fault("SD002", ("apiVersion",), message)


def _known(one: KubeObject) -> Fault:
    """What tells that nobody has looked at the fields of a kind, and that this is right."""
    fault = one.fault("SD002", ("apiVersion",), "has no schema here, so its fields were not checked")
    reason = f"a kind of {KNOWN[one.kind]}, whose controller checks its fields"
    return replace(fault, place=Accepting(fault.place, {"SD002": reason}))


def _argo(one: KubeObject) -> Iterator[Fault]:
    """By the models of Hera, which are generated from Argo's own API."""
    from pydantic import ValidationError

    from slipway_workflows.strict_hera import models

    try:
        getattr(models, one.kind).model_validate(one.manifest)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_context=False):
            path = tuple(found["loc"])
            if found["type"] == "extra_forbidden" and path[-1] in NEWER:
                continue
            if isinstance(found["input"], int | float) and path[-3:-2] == ("parameters",) and path[-1] in VALUES:
                continue
            yield one.fault("SD001", path, f"{_dotted(path)}: {found['msg']}")


@cache
def _vendored(name: str) -> Any:
    """A validator of check-jsonschema's schemas, which are read as files: its own program is not needed."""
    found = importlib.util.find_spec("check_jsonschema")
    if found is None or not found.submodule_search_locations:
        raise BadInput("no schema can be asked: check-jsonschema is not installed", INSTALL)
    import jsonschema

    file = Path(found.submodule_search_locations[0]) / "builtin_schemas" / "vendor" / f"{name}.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


def of_file(schema: str, value: Any, place: Place) -> Iterator[Fault]:
    """What does not fit a schema of files: `compose-spec` or `github-workflows`."""
    for error in _vendored(schema).iter_errors(value):
        cause = _cause(error)
        yield Fault("SD001", place, tuple(cause.absolute_path), _told(cause))


def _cause(error: Any) -> Any:
    """Of an error in a choice of several forms, the first error of the form that has the fewest."""
    while error.context:
        forms: dict[Any, list[Any]] = {}
        for one in error.context:
            forms.setdefault(one.schema_path[0], []).append(one)
        error = min(forms.values(), key=len)[0]
    return error


def _told(error: Any) -> str:
    """What is wrong, without the value itself: that may be a secret."""
    where, wanted = _dotted(tuple(error.absolute_path)), error.validator_value
    if error.validator in ("additionalProperties", "unevaluatedProperties", "required"):
        what = str(error.message)
    elif error.validator == "type":
        what = (
            f"is {_type(error.instance)}, and has to be {' or '.join(wanted) if isinstance(wanted, list) else wanted}"
        )
    elif error.validator in ("enum", "const"):
        what = f"has to be {wanted if error.validator == 'const' else ', '.join(map(str, wanted))}"
    else:
        what = f"does not fit {error.validator} {wanted if isinstance(wanted, str | int) else ''}".rstrip()
    return f"{where}: {what[:300]}"


def _type(value: Any) -> str:
    names = {"bool": "boolean", "int": "integer", "float": "number", "str": "string", "dict": "object", "list": "array"}
    return names.get(type(value).__name__, "null")


def _dotted(path: FieldPath) -> str:
    return ".".join(map(str, path)) or "the whole"
