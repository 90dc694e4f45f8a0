"""Makes of a pipeline's Workflow the one that a performance test submits: with the session's label, the limits of the
scenario, and what the Pod Security Standard `restricted` asks of every pod.
"""

import copy
import json
import math
import re
import time
from collections.abc import Mapping
from typing import Any

import yaml

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_scenario import PerfScenario, ResourceLimits
from slipway_steps.domain.perf_until import UNTIL, end_of
from slipway_steps.domain.quantity import parse_quantity

Object = dict[str, Any]
API = "argoproj.io/v1alpha1"
SESSION_LABEL = "slipway.dev/perf-session"
"""The label of all that a session makes: its value is the session's name."""
EXPERIMENT_LABEL = "slipway.dev/perf-experiment"
"""The label of runs that belong to an experiment of MLflow."""
EXPERIMENT_VARIABLE = "MLFLOW_EXPERIMENT_NAME"
"""The environment variable by which MLflow's client chooses an experiment."""
TEMPLATE_LABEL = "slipway.dev/template"
"""The label of a workflow with the name of what it runs."""
USER = 10001
"""The user of pods whose pipeline names none: that of our own images. Images that start as root are refused else."""
POD_SECURITY: Object = {"runAsNonRoot": True, "runAsUser": USER, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER_SECURITY: Object = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
REQUESTS = {"cpu": "50m", "memory": "64Mi"}
"""What a container asks its node for that has a limit and no request. Without it, Kubernetes would take the limit as
the request, and a limit of two cores would find no room on a node of two cores."""
OWN_ACCOUNT = "slipway-pipeline"
"""The service account that pipelines of ours name. Each installation has one of its own in its place."""
OWN_IMAGE = re.compile(r"slipway/([a-z]+):[\w.-]+")
"""One of our images as pipelines of ours name it, without the registry of an installation."""
GRACE = 60
"""Seconds after the end of the session at which Argo itself ends a run whose session was killed."""


def session_workflow(
    pipeline: Object, session: str, scenario: PerfScenario, namespace: str, service_account: str, owner: str = ""
) -> Object:
    """The Workflow of all runs of a session, without a name. owner: see `perf_until`.

    Raises BadInput for parameters that the pipeline does not have, and for limits that its containers cannot have.
    """
    spec: Object = copy.deepcopy(pipeline["spec"])
    spec["arguments"] = with_parameters(spec.get("arguments") or {}, scenario.parameters, "the pipeline")
    spec["securityContext"] = POD_SECURITY | (spec.get("securityContext") or {})
    if spec.get("serviceAccountName", OWN_ACCOUNT) == OWN_ACCOUNT:
        spec["serviceAccountName"] = service_account
    spec.setdefault("activeDeadlineSeconds", math.ceil(scenario.run_time * 60) + GRACE)
    metadata = spec.setdefault("podMetadata", {})
    metadata["labels"] = {**(metadata.get("labels") or {}), SESSION_LABEL: session}
    _check_limits(spec, scenario.resource_limits)
    for template in spec.get("templates") or []:
        _patch(template, scenario.resource_limits)
    given = pipeline.get("metadata") or {}
    named = str(given.get("generateName") or given.get("name") or "").rstrip("-")
    labels = {TEMPLATE_LABEL: named, **(given.get("labels") or {}), SESSION_LABEL: session}
    annotations = {**(given.get("annotations") or {}), UNTIL: end_of(scenario, time.time(), owner)}
    return {
        "apiVersion": API,
        "kind": "Workflow",
        "metadata": {"namespace": namespace, "labels": labels, "annotations": annotations},
        "spec": spec,
    }


def with_images(told: Any, images: Mapping[str, str]) -> Any:
    """A part of a workflow in which our images are those of the installation. images: reference by the image's name."""
    if isinstance(told, list):
        return [with_images(one, images) for one in told]
    if not isinstance(told, dict):
        return told
    made = {key: with_images(value, images) for key, value in told.items()}
    ours = OWN_IMAGE.fullmatch(str(told.get("image")))
    return {**made, "image": images[ours[1]]} if ours and ours[1] in images else made


def with_experiment(workflow: Object, name: str) -> Object:
    """The workflow with an experiment of MLflow: a label, and a variable that MLflow's client reads in every step."""
    made = copy.deepcopy(workflow)
    made["metadata"]["labels"][EXPERIMENT_LABEL] = name
    for template in made["spec"].get("templates") or []:
        own = [template.get("container"), template.get("script")]
        for container in [*filter(None, own), *(template.get("containerSet") or {}).get("containers", [])]:
            kept = [one for one in container.get("env") or [] if one.get("name") != EXPERIMENT_VARIABLE]
            container["env"] = [*kept, {"name": EXPERIMENT_VARIABLE, "value": name}]
    return made


def with_parameters(arguments: Object, given: Mapping[str, str], whose: str) -> Object:
    """The arguments of a workflow with the values of `given`. Raises BadInput for a name that it does not have."""
    declared = [one["name"] for one in arguments.get("parameters") or []]
    unknown = [name for name in given if name not in declared]
    if unknown:
        known = f"it has {', '.join(declared)}" if declared else "it has none"
        raise BadInput(f"{whose} has no parameter {', '.join(unknown)}", known)
    values = [
        {"name": one["name"], "value": given[one["name"]]} if one["name"] in given else one
        for one in arguments.get("parameters") or []
    ]
    return {**arguments, **({"parameters": values} if values else {})}


def _check_limits(spec: Object, limits: ResourceLimits) -> None:
    if not (limits.cpu or limits.memory):
        return
    inner = [
        step
        for template in spec.get("templates") or []
        for step in [*(template.get("dag") or {}).get("tasks", []), *_flat(template.get("steps") or [])]
    ]
    if spec.get("workflowTemplateRef") or any(step.get("templateRef") for step in inner):
        raise BadInput(
            "resourceLimits cannot be given to templates of other files (templateRef)",
            "leave the limits out, or write the templates into the pipeline's file",
        )


def _flat(steps: list[Any]) -> list[Object]:
    return [one for group in steps for one in (group if isinstance(group, list) else [group])]


def _patch(template: Object, limits: ResourceLimits) -> None:
    """Give a template's own containers, and those that Argo adds, their security and their limits by podSpecPatch."""
    own = template.get("container") or template.get("script")
    if own is not None:
        containers, added = [{**own, "name": "main"}], ["wait"]
    elif "containerSet" in template:
        containers, added = list(template["containerSet"].get("containers") or []), ["wait"]
    elif "resource" in template or "data" in template:
        containers, added = [{"name": "main"}], []
    else:
        return
    name = template.get("name", "?")
    executor = {**CONTAINER_SECURITY, "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    patch: Object = {
        "initContainers": [{"name": "init", "securityContext": executor}],
        "containers": [
            *({"name": one, "securityContext": executor} for one in added),
            *({"name": one["name"], "securityContext": CONTAINER_SECURITY} for one in containers),
        ],
    }
    if own is not None or "containerSet" in template:
        for entry, one in zip(patch["containers"][len(added) :], containers, strict=True):
            resources = _resources(one.get("resources") or {}, limits, name)
            if resources:
                entry["resources"] = resources
    template["podSpecPatch"] = json.dumps(_joined(template.get("podSpecPatch"), patch, name))


def _resources(own: Object, limits: ResourceLimits, template: str) -> Object:
    """The resources of a container under the limits. Raises BadInput where it asks its node for more."""
    wanted = {key: value for key, value in (("cpu", limits.cpu), ("memory", limits.memory)) if value}
    requests = dict(own.get("requests") or {})
    for key, value in wanted.items():
        asked = str(requests.setdefault(key, min(REQUESTS[key], value, key=parse_quantity)))
        try:
            more = parse_quantity(asked) > parse_quantity(value)
        except ValueError:
            continue  # a tag, which only Argo fills in
        if more:
            raise BadInput(f"template {template} asks for {asked} of {key}, more than the limit of {value}", "raise it")
    return {"requests": requests, "limits": wanted} if wanted else {}


def _joined(own: Any, patch: Object, template: str) -> Object:
    """A template's own podSpecPatch with ours. Raises BadInput where its own is no plain YAML, so that it cannot be."""
    if not own:
        return patch
    try:
        found = yaml.safe_load(own)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        raise BadInput(f"the podSpecPatch of template {template} cannot be read", "write it as YAML without tags")
    for key in ("initContainers", "containers"):
        by_name = {one["name"]: one for one in found.get(key) or []}
        for one in patch[key]:
            before = by_name.get(one["name"], {})
            security = {**(before.get("securityContext") or {}), **one["securityContext"]}
            by_name[one["name"]] = {**before, **one, "securityContext": security}
        found[key] = list(by_name.values())
    return found
