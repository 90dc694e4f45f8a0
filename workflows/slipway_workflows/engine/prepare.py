"""Makes a run of a template's name or of an object: what `argo submit` does and Argo's API server checks."""

import copy
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import BadInput, WorkflowInvalid
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.argo.references import referenced_kind
from slipway_workflows.argo.times import now
from slipway_workflows.engine.manifests import fields
from slipway_workflows.engine.manifests.images import read_images
from slipway_workflows.engine.manifests.library import Library, of_manifests
from slipway_workflows.engine.manifests.names import generated_name
from slipway_workflows.engine.manifests.templates import Context, merge_named, merge_spec, templates_by_name
from slipway_workflows.engine.manifests.validate import refuse, validate
from slipway_workflows.engine.run.run import Options, Run
from slipway_workflows.engine.run.scopes import workflow_globals
from slipway_workflows.engine.state.store import runs_of
from slipway_workflows.engine.state.stored_runs import load_for_retry

NAME = re.compile(r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")
API = "argoproj.io/v1alpha1"


def prepare(library: Library, target: str | dict[str, Any], parameters: Mapping[str, str], options: Options) -> Run:
    """A validated run of `target`. Nothing has been started or written yet.

    `target`: the name of a template, as `argo submit --from` takes it, or a Workflow, CronWorkflow or template object.
    `parameters`: values of the workflow's arguments, by name. Raises BadInput for an unknown name or parameter,
    WorkflowInvalid for a workflow that the engine cannot run.
    """
    workflow = _submitted(library.template(target) if isinstance(target, str) else target)
    return _new_run(library, workflow, parameters, options)


def prepare_retry(home: Path, name: str, parameters: Mapping[str, str], options: Options) -> Run:
    """A run that retries the stored workflow `name`, which has failed or whose engine died.

    `parameters`: arguments that replace those of the stored workflow. Raises Refused where there is no such workflow,
    it still runs, or it has succeeded; otherwise as `prepare`.
    """
    before, manifests = load_for_retry(home, name)
    workflow = copy.deepcopy({key: value for key, value in before.manifest.items() if key != "status"})
    library = of_manifests(manifests, runs_of(home) / name)
    return _new_run(library, workflow, parameters, options, before)


def _new_run(
    library: Library,
    workflow: dict[str, Any],
    parameters: Mapping[str, str],
    options: Options,
    before: StoredWorkflow | None = None,
) -> Run:
    library.images = read_images(options.home / "images.yaml")
    library.resources = options.resources
    spec = workflow["spec"]
    refuse(fields.faults(spec, fields.SPEC, "spec"))
    merged = _merged(library, spec)
    _set_parameters(workflow, merged, parameters)
    merged = _merged(library, spec)
    _resolve_arguments(library, merged)
    name = workflow["metadata"]["name"]
    context = Context(library, f"local/{name}", templates_by_name(merged), merged.get("templateDefaults") or {})
    metadata = {**workflow["metadata"], "uid": ""}
    validate(merged, context, set(workflow_globals(metadata, merged, datetime.now(UTC))))
    return Run(library, workflow, merged, context, options, before)


def _submitted(manifest: dict[str, Any]) -> dict[str, Any]:
    """The Workflow object that submitting a manifest creates, with its final name."""
    kind, metadata = manifest.get("kind"), manifest.get("metadata") or {}
    refuse(fields.faults(metadata, fields.METADATA, "metadata"))
    if kind == "Workflow":
        workflow = copy.deepcopy(manifest)
    elif kind == "CronWorkflow":
        spec = manifest.get("spec")
        inner = spec.get("workflowSpec") if isinstance(spec, dict) else None
        if not isinstance(inner, dict):
            raise WorkflowInvalid(f"CronWorkflow {metadata.get('name')}: spec.workflowSpec is required")
        metadata = {
            "generateName": f"{metadata['name']}-",
            "annotations": {"workflows.argoproj.io/scheduled-time": now()},
            "labels": {"workflows.argoproj.io/cron-workflow": metadata["name"]},
        }
        workflow = {"metadata": metadata, "spec": copy.deepcopy(inner)}
    elif kind in ("WorkflowTemplate", "ClusterWorkflowTemplate"):
        reference = {"name": metadata["name"]} | ({"clusterScope": True} if kind.startswith("Cluster") else {})
        label = "cluster-workflow-template" if kind.startswith("Cluster") else "workflow-template"
        metadata = {
            "generateName": f"{metadata['name']}-",
            "labels": {f"workflows.argoproj.io/{label}": metadata["name"]},
        }
        workflow = {"metadata": metadata, "spec": {"workflowTemplateRef": reference}}
    else:
        raise BadInput(f"a {kind} cannot be run", "give a Workflow, CronWorkflow or WorkflowTemplate")
    metadata = workflow["metadata"] = workflow.get("metadata") or {}
    if not metadata.get("name"):
        if not metadata.get("generateName"):
            raise WorkflowInvalid(f"{kind}: metadata.name or metadata.generateName is required", "give it a name")
        metadata["name"] = generated_name(metadata["generateName"])
    if not NAME.match(metadata["name"]):
        raise WorkflowInvalid(
            f"metadata.name {metadata['name']!r} is not a name that Kubernetes accepts",
            "use lower case letters, digits, - and .; begin and end with a letter or digit",
        )
    metadata.setdefault("namespace", "default")
    return {"apiVersion": API, "kind": "Workflow", "metadata": metadata, "spec": workflow.get("spec")}


def _merged(library: Library, spec: dict[str, Any]) -> dict[str, Any]:
    """The spec of a workflow, laid over that of the template its workflowTemplateRef names, if it has one."""
    reference = spec.get("workflowTemplateRef")
    if reference is None:
        return spec
    kind = referenced_kind(reference)
    manifest = library.find(kind, str(reference.get("name")))
    if manifest is None:
        raise WorkflowInvalid(f"workflowTemplateRef: {kind} {reference.get('name')!r} not found")
    refuse(fields.faults(manifest["spec"], fields.SPEC, f"{kind} {manifest['metadata']['name']}: spec"))
    return merge_spec(manifest["spec"], spec)


def _set_parameters(workflow: dict[str, Any], merged: dict[str, Any], given: Mapping[str, str]) -> None:
    """Write the `given` parameters into the workflow's arguments. Raises BadInput for one that `merged` has not."""
    known = [item["name"] for item in (merged.get("arguments") or {}).get("parameters") or []]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise BadInput(f"unknown parameter {', '.join(unknown)}", f"known: {', '.join(known) or 'none'}")
    if not given:
        return
    arguments = dict(workflow["spec"].get("arguments") or {})
    values = [{"name": name, "value": str(value)} for name, value in given.items()]
    arguments["parameters"] = merge_named(arguments.get("parameters") or [], values)
    workflow["spec"]["arguments"] = arguments


def _resolve_arguments(library: Library, spec: dict[str, Any]) -> None:
    """Give each argument a value, in place: its own, that of a ConfigMap, or its default.

    Raises WorkflowInvalid for an argument without a value.
    """
    items = []
    for item in (spec.get("arguments") or {}).get("parameters") or []:
        source = item.get("valueFrom") or {}
        value = item.get("value")
        if value is None and source.get("configMapKeyRef"):
            value = library.config_value(source["configMapKeyRef"])
        if value is None:
            value = source.get("default", item.get("default"))
        if value is None:
            raise WorkflowInvalid(f"spec.arguments.{item['name']}.value or valueFrom is required", "give it with -p")
        items.append({key: entry for key, entry in item.items() if key != "valueFrom"} | {"value": value})
    if items:
        spec["arguments"] = {**spec["arguments"], "parameters": items}
