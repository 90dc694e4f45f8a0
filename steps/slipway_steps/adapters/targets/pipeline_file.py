"""Reads the file of a pipeline: a Workflow of Argo, or an IR pipeline of Kubeflow (what `kfp compile` writes)."""

from pathlib import Path
from typing import Any

import yaml

from slipway_steps.domain.errors import BadInput, WorkflowInvalid

Object = dict[str, Any]
IR = "pipelineInfo"
"""The field that every IR pipeline has, and no Kubernetes object."""


class _Loader(yaml.SafeLoader):
    """Leaves dates as the text that they are: JSON, which both APIs speak, has no dates."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _documents(path: Path) -> list[Any]:
    try:
        return [one for one in yaml.load_all(path.read_bytes(), Loader=_Loader) if one is not None]
    except OSError as error:
        raise BadInput(f"the pipeline {path} cannot be read: {error.strerror}", "name a file") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInput(f"the pipeline {path} is not YAML: {str(error).splitlines()[0]}", "correct the file") from error


def read_workflow(path: Path) -> Object:
    """The one Workflow or WorkflowTemplate of a file. Raises BadInput for anything else, in one line."""
    found = _documents(path)
    if any(isinstance(one, dict) and IR in one for one in found):
        raise BadInput(f"{path} is an IR pipeline of Kubeflow, and not a Workflow of Argo", "use --target kfp")
    usable = [one for one in found if isinstance(one, dict) and one.get("kind") in ("Workflow", "WorkflowTemplate")]
    if len(usable) != 1 or len(found) != 1:
        kinds = ", ".join(str(one.get("kind")) if isinstance(one, dict) else type(one).__name__ for one in found)
        raise BadInput(f"{path} holds {kinds or 'nothing'}", "a pipeline for Argo is one Workflow or WorkflowTemplate")
    spec = usable[0].get("spec")
    if not isinstance(spec, dict) or not (spec.get("templates") or spec.get("workflowTemplateRef")):
        raise BadInput(f"{path} has no templates", "a Workflow has spec.entrypoint and spec.templates")
    return dict(usable[0])


def read_ir(path: Path) -> tuple[Object, Object | None]:
    """The IR pipeline of a file, and its platform configuration where a second document has one. Raises BadInput for
    anything else, in one line.
    """
    found = _documents(path)
    if any(isinstance(one, dict) and str(one.get("apiVersion", "")).startswith("argoproj.io/") for one in found):
        raise BadInput(f"{path} is a Workflow of Argo, and not an IR pipeline of Kubeflow", "use --target argo")
    if not 1 <= len(found) <= 2 or not all(isinstance(one, dict) for one in found) or IR not in found[0]:
        raise BadInput(f"{path} is no IR pipeline of Kubeflow", "compile it: kfp dsl compile")
    if len(found) == 2 and "platforms" not in found[1]:
        raise BadInput(f"{path}: its second document is no platform configuration", "compile it: kfp dsl compile")
    missing = [field for field in ("root", "schemaVersion") if field not in found[0]]
    if missing:
        raise BadInput(f"{path}: the IR pipeline has no {', '.join(missing)}", "compile it: kfp dsl compile")
    return found[0], found[1] if len(found) == 2 else None


def refuse_compiled_pipeline(pipeline: Path) -> None:
    """Raises WorkflowInvalid for a pipeline that Kubeflow's compiler made (its intermediate representation)."""
    try:
        first = next(iter(yaml.safe_load_all(pipeline.read_text())), None)
    except (OSError, ValueError, yaml.YAMLError):
        return  # the engine says what is wrong with the file, and where
    if isinstance(first, dict) and "pipelineInfo" in first:
        raise WorkflowInvalid(
            f"{pipeline} is a compiled pipeline of Kubeflow, not a Workflow of Argo", "use --target kfp, or a Workflow"
        )
