"""Makes Argo templates from the step modules of `slipway_steps`.

The arguments, inputs, outputs and descriptions of a template come from the classes `Params` and `Outputs` of its step.
"""

from collections.abc import Iterable
from enum import EnumMeta
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from slipway_steps import __version__
from slipway_steps.entry import load_step
from slipway_workflows.pod import DATA_CLAIM, POD_SECURITY, STEP_LABEL, data_artifact, data_parameters, pod_spec_patch
from slipway_workflows.strict_hera import (
    Backoff,
    ConfigMapEnvSource,
    Container,
    Counter,
    EmptyDirVolumeSource,
    EnvFromSource,
    KeyToPath,
    MetricLabel,
    Metrics,
    Mutex,
    Parameter,
    Prometheus,
    ResourceRequirements,
    RetryStrategy,
    SecretEnvSource,
    SecretVolumeSource,
    SecurityContext,
    Step,
    Synchronization,
    TemplateRef,
    ValueFrom,
    Volume,
    VolumeMount,
)

OUTPUT_DIRECTORY = "/tmp/outputs"  # noqa: S108 - inside a container that holds one step
IMAGES = {name: f"slipway/{name}:{__version__}" for name in ("steps", "train", "handler")}
"""Kind of image -> its name with a full version tag; at the installation, registry, tag or digest may be replaced."""

OUTPUT_DEFAULTS = {"verdict": "error", "state": "error"}
"""Output -> its value where the step did not write it; for every other output this is `none`.

Every output has a default because a branch may read it although the step did not run; without one, Argo then fails the
template or hangs."""

FIXED = {
    "release": "{{workflow.name}}",
    "workflow_status": "{{workflow.status}}",
    "workflow_failures": "{{workflow.failures}}",
}
"""Fields of Params that get their value from Argo and are no inputs of the template.

`workflow.name` is the same in every nested template; the other two are known in exit handlers."""

TERMINATION_LOG = "/dev/termination-log"
"""The file whose text Kubernetes makes the container's termination message; its default path, which is writable."""

CONFIG = "slipway"
"""The name of the ConfigMap with the SLIPWAY_* settings, and of the Secret with the secret ones. Both are optional."""

REGISTRY_STEPS = ("build", "deploy", "promote", "hold", "revert", "initialize", "finish", "doctor", "health")
"""The steps that push, tag or verify images. Only their pods get the registry's password."""

REGISTRY_DIRECTORY = "/etc/slipway/registry"
REGISTRY_SECRET = Volume(
    name="registry",
    secret=SecretVolumeSource(
        secret_name="slipway-registry",  # noqa: S106 - the name of a Secret
        optional=True,
        items=[
            # the name that Docker's own programs look for, such as BuildKit's
            KeyToPath(key=".dockerconfigjson", path="config.json"),
            KeyToPath(key="ca.crt", path="ca.crt"),
        ],
    ),
)
"""The Secret with login and CA of the registry, in the form of a pull secret.

A pod starts without it, or without one of its keys: a registry may ask for no password, or have a public
certificate."""
REGISTRY_MOUNT = VolumeMount(name="registry", mount_path=REGISTRY_DIRECTORY, read_only=True)

RESOURCES = {
    "steps": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
    "train": {"requests": {"cpu": "100m", "memory": "2Gi"}, "limits": {"memory": "2Gi"}},
}
"""Kind of image -> the resources of its pods.

A step that imports MLflow takes about 170 MB, the load generator 50 MB more; training MobileNetV2 on the digits takes
1.3 GB. Requests of CPU are small, so that a node of two cores which also runs the platform takes every pod: a
pod may use what is idle up to its limit.

Kubernetes refuses a pod whose request is above its limit, and the requests of `train` are parameters. So its memory
limit is its memory request, and its CPU has no limit."""

REQUESTS = {"cpu": "cpu-request", "memory": "memory-request"}
"""Resource -> the parameter with the request for it, for the pods of training, evaluation and the handler test."""

BREAKAGE = (
    'lastRetry.status == "Error" || lastRetry.exitCode == "75" || '
    'lastRetry.exitCode == "-1" && !(lastRetry.message matches "(?i)timeout|deadline")'
)
"""The condition of a retry: the pod was lost, or something outside of the step failed.

A lost pod gives Error, or the exit code -1, as after an eviction. A step exits with 75 (`Broken`) where an outside
system failed. Other failures (a refusal, wrong input, a bug) are not retried: they would only fail again. Nor is a pod
that did not start in its `pendingTimeout`, which Argo says in the message: it has no exit code either, and each attempt
would hold the release lock for as long again."""

RETRIES = RetryStrategy(limit="2", expression=BREAKAGE, backoff=Backoff(duration="5s", factor="3"))
"""Two more attempts, after 5 and 15 s; a restart of MLflow or of the kubelet of a node takes about that long.

Before a step fails, its adapters retry single calls for some 15 s."""


def service_account_of(step: str) -> str:
    """The name of the service account that the pods of a step run as."""
    return f"slipway-{step}"


def parameter_name(field: str) -> str:
    """The name of the Argo parameter of a field of Params or Outputs: `model-version` for `model_version`."""
    return field.replace("_", "-")


def text(value: Any) -> str:
    """A default value as a string, because Argo's parameter values are strings."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parameter(field: str, info: FieldInfo) -> Parameter:
    # an input without a default has to be given by every caller
    value = {} if info.is_required() else {"value": text(info.default)}
    return Parameter(name=parameter_name(field), description=info.description, enum=_choices(info), **value)


def _choices(info: FieldInfo) -> list[str] | None:
    """The values that a field may have, from which people choose in the UI; None where it may have any value."""
    if info.annotation is bool:
        return ["true", "false"]
    if get_origin(info.annotation) is Literal:
        return [text(value) for value in get_args(info.annotation)]
    return [text(member.value) for member in info.annotation] if isinstance(info.annotation, EnumMeta) else None


def inputs_of(step: str) -> list[Parameter]:
    """The inputs of the template of a step, with the descriptions and defaults of its Params."""
    fields: dict[str, FieldInfo] = load_step(step).Params.model_fields
    return [_parameter(field, info) for field, info in fields.items() if field not in FIXED]


def requests_of(image: str) -> list[Parameter]:
    """The parameters for the resource requests of a pod of that kind of image; [] except for `train`.

    Only training, evaluation and the handler test need them: what they use grows with the data and the model.
    """
    if image != "train":
        return []
    defaults = RESOURCES[image]["requests"]
    texts = {
        "cpu": "CPU that the pods of training, evaluation and handler test ask their node for: `500m` is half a core.",
        "memory": "Memory that the pods of training, evaluation and handler test ask their node for, and cannot "
        "exceed: `2Gi`.",
    }
    return [Parameter(name=REQUESTS[what], value=defaults[what], description=texts[what]) for what in REQUESTS]


def outputs_of(step: str) -> list[str]:
    """The names of the output parameters of a step."""
    outputs: type[BaseModel] = load_step(step).Outputs
    return [parameter_name(field) for field in outputs.model_fields]


def pod_template(
    step: str,
    *,
    image: str = "steps",
    resources: str = "",
    deadline: int = 900,
    mutexes: Iterable[str] = (),
    global_output: str = "",
    data: bool = False,
) -> Container:
    """The template that runs a step in a container of its own.

    image: the kind of image, `steps`, `train` or `handler`. resources: the kind whose resources the pod gets; empty: as
    the image. deadline: seconds after which Argo kills the pod; the longest step of the kind `steps`, the load test of
    a slow model, takes about two minutes. mutexes: names of mutexes that are held while the step runs. global_output:
    the output that is also a global output of the workflow. data: whether the pod may be given a claim and an artifact
    with data.
    Each parameter is a separate argument (`--name=value`) and never part of a shell line.
    """
    locks = [Mutex(name=name) for name in mutexes]
    parameters = inputs_of(step)
    requests = requests_of(resources or image)
    registry = step in REGISTRY_STEPS
    fixed = {parameter_name(field): FIXED[field] for field in load_step(step).Params.model_fields if field in FIXED}
    return Container(
        name=step,
        image=IMAGES[image],
        command=["python", "-m", "slipway_steps.entry"],
        args=[
            step,
            *(f"--{p.name}={{{{inputs.parameters.{p.name}}}}}" for p in parameters),
            *(f"--{name}={value}" for name, value in fixed.items()),
            *([f"--output-dir={OUTPUT_DIRECTORY}"] if outputs_of(step) else []),
            f"--termination-log={TERMINATION_LOG}",
        ],
        inputs=[*parameters, *requests, *(data_parameters() if data else []), *([data_artifact()] if data else [])],
        outputs=[
            Parameter(
                name=name,
                value_from=ValueFrom(path=f"{OUTPUT_DIRECTORY}/{name}", default=OUTPUT_DEFAULTS.get(name, "none")),
                global_name=name if name == global_output else None,
            )
            for name in outputs_of(step)
        ],
        labels={STEP_LABEL: step},
        service_account_name=service_account_of(step),
        pod_security_context=POD_SECURITY,
        pod_spec_patch=pod_spec_patch(REQUESTS if requests else None, DATA_CLAIM if data else ""),
        env_from=[
            EnvFromSource(config_map_ref=ConfigMapEnvSource(name=CONFIG, optional=True)),
            EnvFromSource(secret_ref=SecretEnvSource(name=CONFIG, optional=True)),
        ],
        env={"SLIPWAY_REGISTRY_SECRET": REGISTRY_DIRECTORY} if registry else None,
        resources=ResourceRequirements.model_validate(RESOURCES[resources or image]),
        # the root file system is read-only
        volumes=[Volume(name="tmp", empty_dir=EmptyDirVolumeSource()), *([REGISTRY_SECRET] if registry else [])],
        volume_mounts=[
            VolumeMount(name="tmp", mount_path="/tmp"),  # noqa: S108 - inside a container
            *([REGISTRY_MOUNT] if registry else []),
        ],
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
    """A Prometheus counter of the verdicts of a gate: `slipway_verdicts_total{gate, environment, verdict}`."""
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


def arguments_from_inputs(parameters: Iterable[Parameter], **instead: str) -> dict[str, str]:
    """Arguments for `parameters` that pass the inputs of the calling template on, each to the parameter of its name.

    instead: field name -> another value for that argument.
    """
    given = {parameter_name(name): value for name, value in instead.items()}
    return {p.name: given.get(p.name, f"{{{{inputs.parameters.{p.name}}}}}") for p in parameters}


def template_ref_step(
    name: str, template: str, arguments: dict[str, str], when: str | None = None, **more: Any
) -> Step:
    """A step that runs the template `main` of the WorkflowTemplate `template` by a templateRef."""
    return Step(
        name=name, template_ref=TemplateRef(name=template, template="main"), arguments=arguments, when=when, **more
    )


def merged_parameters(*groups: Iterable[Parameter], without: Iterable[str] = ()) -> list[Parameter]:
    """The parameters of several templates in order, each name once, with its first description and default.

    without: names that are left out.
    """
    found: dict[str, Parameter] = {}
    for group in groups:
        for parameter in group:
            found.setdefault(parameter.name, parameter)
    return [parameter for name, parameter in found.items() if name not in set(without)]
