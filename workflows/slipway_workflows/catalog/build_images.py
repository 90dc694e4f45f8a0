"""`build-images`: builds our own images from a Git revision with rootless BuildKit.

It is needed when the code of the images has changed; a release of a model does not need it.
"""

from typing import Any

from slipway_steps import __version__
from slipway_workflows.catalog.parts import TTL, search_labels
from slipway_workflows.catalog.rbac import BUILD_NAMESPACE, BUILDER
from slipway_workflows.pod import pod_spec_patch
from slipway_workflows.step import REGISTRY_DIRECTORY, REGISTRY_MOUNT, REGISTRY_SECRET, RETRIES
from slipway_workflows.strict_hera import (
    AppArmorProfile,
    Container,
    EmptyDirVolumeSource,
    Parameter,
    PodGC,
    PodSecurityContext,
    ResourceRequirements,
    SeccompProfile,
    SecurityContext,
    Step,
    Steps,
    ValueFrom,
    Volume,
    VolumeMount,
    WorkflowMetadata,
    WorkflowTemplate,
)

BUILDKIT = "docker.io/moby/buildkit:v0.29.0-rootless"
NAMES = ("app", "steps", "train", "handler", "mlflow")
USER = 1000
"""The user of BuildKit's rootless image, which has the subordinate user ids for it."""
REGISTRY = "registry.kube-system.svc.cluster.local:5000"
POD_SECURITY = PodSecurityContext(
    fs_group=USER, run_as_non_root=True, run_as_user=USER, seccomp_profile=SeccompProfile(type="RuntimeDefault")
)
CONFIG = "slipway-buildkit"
PARAMETERS = (
    ("repository", None, "Git repository with the source of these images, `https://...`."),
    ("revision", "", "Full commit (for the same images again), tag or branch; empty: the default branch."),
    ("registry", REGISTRY, "Registry that the images are pushed to: `host[:port][/prefix]`."),
    ("tag", __version__, "Tag of the images: a full version."),
    (
        "python-image",
        "docker.io/library/python:3.11.14-slim-bookworm",
        "Base image of all images; a mirror or a digest may be named.",
    ),
    ("pip-index-url", "https://pypi.org/simple", "Index of Python packages; a mirror may be named."),
    (
        "torch-index-url",
        "https://download.pytorch.org/whl/cpu",
        "Index that is asked for torch as well. For a GPU name that of a CUDA version, such as "
        "https://download.pytorch.org/whl/cu130, or none for PyPI's build with CUDA.",
    ),
    (
        "handler-requirements",
        "",
        "What the inference handlers of your packages import beside numpy and ONNX Runtime, pinned: `pandas==2.3.3`.",
    ),
)
"""Name, default (None: the caller has to give a value) and description of each parameter."""


def _parameters() -> list[Parameter]:
    return [
        Parameter(name=name, description=text, **({} if value is None else {"value": value}))
        for name, value, text in PARAMETERS
    ]


def _build() -> Container:
    """The template that builds one image. Parameters are parts of arguments of buildctl, never of a shell line."""
    context = "{{inputs.parameters.repository}}#{{inputs.parameters.revision}}"
    target = "{{inputs.parameters.registry}}/slipway/{{inputs.parameters.image}}:{{inputs.parameters.tag}}"
    return Container(
        name="image",
        image=BUILDKIT,
        command=["buildctl-daemonless.sh"],
        args=[
            "build",
            "--frontend=dockerfile.v0",
            f"--opt=context={context}",
            "--opt=filename=images/{{inputs.parameters.image}}/Dockerfile",
            "--opt=build-arg:PYTHON_IMAGE={{inputs.parameters.python-image}}",
            "--opt=build-arg:PIP_INDEX_URL={{inputs.parameters.pip-index-url}}",
            "--opt=build-arg:TORCH_INDEX_URL={{inputs.parameters.torch-index-url}}",
            "--opt=build-arg:HANDLER_REQUIREMENTS={{inputs.parameters.handler-requirements}}",
            "--opt=build-arg:VERSION={{inputs.parameters.tag}}",
            "--opt=build-arg:REVISION={{inputs.parameters.revision}}",
            # the same sources give the same layers
            "--opt=build-arg:SOURCE_DATE_EPOCH=0",
            f"--output=type=image,name={target},push=true,rewrite-timestamp=true",
            "--metadata-file=/tmp/metadata.json",
        ],
        inputs=[*_parameters(), Parameter(name="image", enum=list(NAMES), description="Directory below images/.")],
        outputs=[
            Parameter(
                name="metadata",
                description="The pushed image as JSON; deploy it by its digest, `containerimage.digest`.",
                value_from=ValueFrom(path="/tmp/metadata.json", default="none"),  # noqa: S108 - inside a container
            )
        ],
        env={
            # inside a pod BuildKit cannot make a process namespace of its own
            "BUILDKITD_FLAGS": "--oci-worker-no-process-sandbox",
            # where the registry's login is
            "DOCKER_CONFIG": REGISTRY_DIRECTORY,
        },
        service_account_name=BUILDER,
        pod_security_context=POD_SECURITY,
        pod_spec_patch=pod_spec_patch(),
        resources=ResourceRequirements.model_validate(
            {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}}
        ),
        volumes=[
            Volume(name="state", empty_dir=EmptyDirVolumeSource(size_limit="20Gi")),
            Volume(name="tmp", empty_dir=EmptyDirVolumeSource()),
            Volume(name="config", config_map={"name": CONFIG, "optional": True}),
            REGISTRY_SECRET,
        ],
        volume_mounts=[
            VolumeMount(name="state", mount_path="/home/user/.local/share/buildkit"),
            VolumeMount(name="tmp", mount_path="/tmp"),  # noqa: S108 - inside a container
            VolumeMount(name="config", mount_path="/home/user/.config/buildkit", read_only=True),
            REGISTRY_MOUNT,
        ],
        # one hour, because the train image needs large downloads: torch alone has half a gigabyte
        active_deadline_seconds=3600,
        retry_strategy=RETRIES,
        # its user namespace needs setuid newuidmap, unshare and mount: not `restricted`, see docs/security.md
        security_context=SecurityContext(
            run_as_user=USER,
            run_as_group=USER,
            seccomp_profile=SeccompProfile(type="Unconfined"),
            app_armor_profile=AppArmorProfile(type="Unconfined"),
        ),
    )


def build() -> list[Any]:
    """The template and the configuration of BuildKit.

    They are in a namespace of their own, because these are the only pods that do not meet the `restricted` standard.
    """
    image = _build()
    with Steps(name="main", inputs=_parameters()) as main:
        for name in NAMES:
            arguments = {key: f"{{{{inputs.parameters.{key}}}}}" for key, _, _ in PARAMETERS}
            Step(name=name, template=image.name, arguments=arguments | {"image": name})
    description = "Builds our images (app, steps, train, handler, mlflow) from a Git revision and pushes them."
    template = WorkflowTemplate(
        name="build-images",
        namespace=BUILD_NAMESPACE,
        annotations={"workflows.argoproj.io/description": description},
        labels={"app.kubernetes.io/part-of": "slipway"},
        entrypoint="main",
        arguments=_parameters(),
        templates=[main, image],
        ttl_strategy=TTL,
        pod_gc=PodGC(strategy="OnPodSuccess"),
        security_context=POD_SECURITY,
        workflow_metadata=WorkflowMetadata(labels=search_labels("build-images")),
    )
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": CONFIG,
            "namespace": BUILD_NAMESPACE,
            "labels": {"app.kubernetes.io/part-of": "slipway"},
        },
        # The installation puts its own registry there, and without `http` where that speaks TLS. Each *.crt of the
        # directory is a CA of the registry, beside the public ones; it may be empty.
        "data": {
            "buildkitd.toml": f'[registry."{REGISTRY}"]\n  http = true\n  tlsconfigdir = ["{REGISTRY_DIRECTORY}"]\n'
        },
    }
    return [template, config]
