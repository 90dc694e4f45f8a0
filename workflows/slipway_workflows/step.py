"""A step module becomes an Argo template: its flags, inputs, outputs and descriptions come from Params and Outputs."""

from collections.abc import Iterable
from enum import EnumMeta
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from slipway_steps import __version__
from slipway_steps.entry import load_step
from slipway_workflows.pod import POD_SECURITY, pod_spec_patch
from slipway_workflows.strict_hera import (
    Backoff,
    ConfigMapEnvSource,
    Container,
    Counter,
    EmptyDirVolumeSource,
    EnvFromSource,
    MetricLabel,
    Metrics,
    Mutex,
    Parameter,
    Prometheus,
    ResourceRequirements,
    RetryStrategy,
    SecretEnvSource,
    SecurityContext,
    Step,
    Synchronization,
    TemplateRef,
    ValueFrom,
    Volume,
    VolumeMount,
)

OUTPUT_DIRECTORY = "/tmp/outputs"  # noqa: S108 - inside a container that holds one step
IMAGES = {"steps": f"slipway/steps:{__version__}", "train": f"slipway/train:{__version__}"}
"""Full version tags; a cluster's installer names registry, tag or digest instead."""

OUTPUT_DEFAULTS = {"verdict": "error", "state": "error"}
"""What a step that wrote nothing is taken to have said. Every other output defaults to `none`: a branch must be able to
read an output of a step that did not run, or Argo fails the template (or hangs)."""

FIXED = {"release": "{{workflow.name}}", "workflow_status": "{{workflow.status}}"}
"""Fields that are no inputs but filled in by Argo: the name of the workflow is the same however deep a template is
nested, its status is known to exit handlers."""

CONFIG = "slipway"
"""The ConfigMap of SLIPWAY_* settings, the Secret of those that are secret; both may be missing."""

RESOURCES = {
    "steps": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
    "train": {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "4", "memory": "4Gi"}},
}
"""By image. A step that imports MLflow takes about 170 MB, the load generator 50 MB more; training MobileNetV2 on the
digits 1.3 GB. Requests of CPU are small, so that a node of two cores which also runs the platform takes every pod: a
pod may use what is idle up to its limit."""

REQUESTS = {"cpu": "cpu-request", "memory": "memory-request"}
"""Resource -> the parameter that says how much of it a pod of training or evaluation asks its node for."""

BREAKAGE = 'lastRetry.status == "Error" || lastRetry.exitCode in ["-1", "75"]'
"""The pod was lost (Error; -1 where it has no exit code, as after an eviction), or the step says that something outside
failed (`Broken`, 75). A refusal, wrong input or a bug stays what it is, however often it is tried."""

RETRIES = RetryStrategy(limit="2", expression=BREAKAGE, backoff=Backoff(duration="5s", factor="3"))
"""Tries after the first, 5 and 15 s apart: a restart of MLflow or of a node's kubelet takes about that. Adapters have
retried single calls before that, for some 15 s."""


def account(step: str) -> str:
    """The service account of a step."""
    return f"slipway-{step}"


def flag(field: str) -> str:
    """The parameter name of a field: `model_version` is `model-version`, everywhere."""
    return field.replace("_", "-")


def text(value: Any) -> str:
    """A default as Argo stores it: parameter values are strings."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parameter(field: str, info: FieldInfo) -> Parameter:
    # no default means an input every caller has to give
    value = {} if info.is_required() else {"value": text(info.default)}
    choices = [text(member.value) for member in info.annotation] if isinstance(info.annotation, EnumMeta) else None
    return Parameter(name=flag(field), description=info.description, enum=choices, **value)


def inputs_of(step: str) -> list[Parameter]:
    """The inputs of a step's template, with the defaults of its Params."""
    fields: dict[str, FieldInfo] = load_step(step).Params.model_fields
    return [_parameter(field, info) for field, info in fields.items() if field not in FIXED]


def requests_of(image: str) -> list[Parameter]:
    """The parameters of what a pod of that image asks its node for; only training is as large as its data."""
    if image != "train":
        return []
    defaults = RESOURCES[image]["requests"]
    texts = {
        "cpu": "CPU that the pods of training and evaluation ask their node for: `500m` is half a core.",
        "memory": "Memory that the pods of training and evaluation ask their node for: `2Gi`.",
    }
    return [Parameter(name=REQUESTS[what], value=defaults[what], description=texts[what]) for what in REQUESTS]


def outputs_of(step: str) -> list[str]:
    """The names of a step's outputs."""
    outputs: type[BaseModel] = load_step(step).Outputs
    return [flag(field) for field in outputs.model_fields]


def pod_template(
    step: str, *, image: str = "steps", deadline: int = 900, mutexes: Iterable[str] = (), global_verdict: bool = False
) -> Container:
    """The template that runs a step in a container of its own.

    deadline: seconds after which Argo kills it; the longest step that waits, a load test of a slow model, takes about
    two minutes. mutexes: held while it runs. global_verdict: its verdict is the workflow's so far.
    Each parameter is one argument of its own (`--name=value`), never part of a shell line.
    """
    locks = [Mutex(name=name) for name in mutexes]
    parameters = inputs_of(step)
    requests = requests_of(image)
    fixed = {flag(field): FIXED[field] for field in load_step(step).Params.model_fields if field in FIXED}
    return Container(
        name=step,
        image=IMAGES[image],
        command=["python", "-m", "slipway_steps.entry"],
        args=[
            step,
            *(f"--{p.name}={{{{inputs.parameters.{p.name}}}}}" for p in parameters),
            *(f"--{name}={value}" for name, value in fixed.items()),
            *([f"--output-dir={OUTPUT_DIRECTORY}"] if outputs_of(step) else []),
        ],
        inputs=[*parameters, *requests],
        outputs=[
            Parameter(
                name=name,
                value_from=ValueFrom(path=f"{OUTPUT_DIRECTORY}/{name}", default=OUTPUT_DEFAULTS.get(name, "none")),
                global_name=name if global_verdict and name == "verdict" else None,
            )
            for name in outputs_of(step)
        ],
        service_account_name=account(step),
        pod_security_context=POD_SECURITY,
        pod_spec_patch=pod_spec_patch(REQUESTS if requests else None),
        env_from=[
            EnvFromSource(config_map_ref=ConfigMapEnvSource(name=CONFIG, optional=True)),
            EnvFromSource(secret_ref=SecretEnvSource(name=CONFIG, optional=True)),
        ],
        resources=ResourceRequirements.model_validate(RESOURCES[image]),
        # the root file system is read-only
        volumes=[Volume(name="tmp", empty_dir=EmptyDirVolumeSource())],
        volume_mounts=[VolumeMount(name="tmp", mount_path="/tmp")],  # noqa: S108 - inside a container
        metrics=_verdicts(step) if "verdict" in outputs_of(step) else None,
        active_deadline_seconds=deadline,
        retry_strategy=RETRIES,
        synchronization=Synchronization(mutexes=locks) if locks else None,
        security_context=SecurityContext(
            run_as_non_root=True,
            read_only_root_filesystem=True,
            allow_privilege_escalation=False,
            capabilities={"drop": ["ALL"]},
        ),
    )


def _verdicts(step: str) -> Metrics:
    """A counter of a gate's verdicts, for Prometheus: `slipway_verdicts_total{gate, environment, verdict}`."""
    inputs = {parameter.name for parameter in inputs_of(step)}
    environment = "{{inputs.parameters.source-environment}}" if "source-environment" in inputs else "development"
    labels = {"gate": step, "environment": environment, "verdict": "{{outputs.parameters.verdict}}"}
    return Metrics(
        prometheus=[
            Prometheus(
                name="slipway_verdicts_total",
                help="Verdicts of gates.",
                labels=[MetricLabel(key=key, value=value) for key, value in labels.items()],
                counter=Counter(value="1"),
            )
        ]
    )


def handed_on(parameters: Iterable[Parameter], **instead: str) -> dict[str, str]:
    """Arguments that hand a template's inputs on to a step, by their common names, unless `instead` gives another."""
    given = {flag(name): value for name, value in instead.items()}
    return {p.name: given.get(p.name, f"{{{{inputs.parameters.{p.name}}}}}") for p in parameters}


def referred(name: str, template: str, arguments: dict[str, str], when: str | None = None, **more: Any) -> Step:
    """A step that runs the `main` of another WorkflowTemplate as part of the same graph."""
    return Step(
        name=name, template_ref=TemplateRef(name=template, template="main"), arguments=arguments, when=when, **more
    )


def distinct(*groups: Iterable[Parameter], without: Iterable[str] = ()) -> list[Parameter]:
    """The parameters of several templates, each name once, in order; the first description and default win."""
    found: dict[str, Parameter] = {}
    for group in groups:
        for parameter in group:
            found.setdefault(parameter.name, parameter)
    return [parameter for name, parameter in found.items() if name not in set(without)]
