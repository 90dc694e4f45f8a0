"""Every setting, with unit, default and reason. Each is read from the environment variable SLIPWAY_<NAME>.

The engine passes these variables to the processes of a local run. On a cluster they come from a ConfigMap.
"""

import json
import sys
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from slipway_steps.domain.errors import BadInput

CARRIED = Path(__file__).resolve().parent / "project"
"""The directory that holds images/ and workflows/ in an installed distribution (see setup.py). A checkout has none."""
PROJECT_ROOT = CARRIED if CARRIED.is_dir() else Path(__file__).resolve().parents[2]
"""The directory that holds images/ and workflows/: in the installed package, the checkout, or /app of an image."""


def _of_json(value: Any) -> Any:
    """What a text says as JSON. Its error is one of the setting, where the library's own would be a traceback."""
    return json.loads(value) if isinstance(value, str) else value


class Settings(BaseSettings):
    """Addresses, directories and timeouts. The thresholds of gates are parameters of workflows, not settings."""

    model_config = SettingsConfigDict(
        env_prefix="SLIPWAY_", extra="ignore", frozen=True, populate_by_name=True, allow_inf_nan=False
    )

    home: Path = Field(
        Path(".slipway"), description="Directory of all local state. Each directory is an installation of its own."
    )
    app: str = Field(
        "model-app", description="Name of the served application. It is part of Service names and image references."
    )
    app_host: str = Field(
        "",
        description="Host and port at which the gates ask the app, such as `{environment}.example.org:443`; empty: the "
        "Service of the environment.",
    )
    model: str = Field("model-app", description="Name of the registered model in MLflow. The app serves one model.")
    experiment: str = Field("slipway", description="MLflow experiment that holds one run per release.")
    tracking_uri: str = Field(
        "", description="MLflow's tracking URI; empty: SQLite under `home`, which needs no server."
    )
    mlflow_retries: int = Field(
        5,
        description="How often a request to MLflow's server is repeated; the waits between double from half a second "
        "on, up to 8 s. A step that still fails is tried again by its template.",
    )
    mlflow_timeout: float = Field(60.0, description="Seconds for one answer of MLflow's server.")
    train_directory: Path = Field(
        PROJECT_ROOT / "images" / "train",
        description="Directory of train.py, the user's training program, and of evaluation/, the user's pytest files.",
    )
    app_directory: Path = Field(
        PROJECT_ROOT / "images" / "app",
        description="Directory of the app's own files; on one machine they are the app's base image.",
    )
    memory_limit_mib: int = Field(
        256, description="Memory limit of an app on one machine, in MiB; the default is the chart's limit."
    )
    cpu_limit_millicores: int = Field(
        500, description="CPU limit of an app on one machine, in millicores; the default is the chart's limit."
    )
    limits: Literal["", "watchdog"] = Field(
        "",
        description="What enforces the limits of an app on one machine; empty: a cgroup where this user may make one, "
        "else the watchdog, which needs no privilege.",
    )
    resources: Literal["", "files", "cluster"] = Field(
        "",
        description="Where resource templates of a local run find Kubernetes objects: files under `home`, or the "
        "cluster of the kubeconfig; empty: they are refused.",
    )
    healthy_timeout: float = Field(
        30.0,
        description="Seconds that a deployment may take until it is ready and serves its version; the app starts in "
        "under 3 s, and an OOM kill with two restarts takes much less than this.",
    )
    revision: str = Field(
        "",
        description="Source revision of the release; empty: the HEAD of git, or none where there is no git repository.",
    )

    platform: Literal["local", "kubernetes"] = Field(
        "local", description="Where environments are: processes of this machine, or a cluster with Argo CD."
    )
    argocd_namespace: str = Field("argocd", description="Namespace of the Applications.")
    operation_timeout: float = Field(
        180.0,
        description="Seconds that Argo CD may take to sync an Application; one to three are usual. Pulling the image "
        "is not part of a sync.",
    )
    kubeconfig: str = Field(
        "",
        validation_alias="KUBECONFIG",
        description="The kubeconfig that a process outside of the cluster uses, from KUBECONFIG as for kubectl; empty: "
        "~/.kube/config.",
    )
    kubernetes_timeout: float = Field(15.0, description="Seconds for one call of the Kubernetes API.")
    metrics_timeout: float = Field(
        150.0,
        description="Seconds that the resource test waits for enough samples where the pods do not tell their usage; a "
        "cluster's metrics come every 15 s, the first of them up to 60 s after a pod's start.",
    )
    deploy_repository: str = Field(
        "",
        description="Git repository (https://...) that Argo CD deploys from and that releases commit to; empty: "
        "releases set parameters of the Application instead, which Git does not show.",
    )
    deploy_branch: str = Field("main", description="Branch that releases push to and that the Application follows.")
    deploy_path: str = Field(
        "charts/model-app/release-{environment}.yaml",
        description="Values file of an environment in that repository; the Application has to list it.",
    )
    deploy_username: str = Field("", description="User of that repository; with a token most servers accept any name.")
    deploy_password: SecretStr = Field(
        SecretStr(""), description="Password or token that is allowed to push. A secret."
    )
    deploy_ca: Path | None = Field(None, description="CA certificates (PEM) of the repository's server.")
    deploy_timeout: float = Field(30.0, description="Seconds for one answer of the repository's server.")
    registry: str = Field(
        "",
        description="OCI registry of the app's images, `host[:port][/prefix]`; empty: a directory under `home`. With "
        "the local platform the app is unpacked from it and runs with this machine's Python.",
    )
    app_base: str = Field(
        "", description="The app's base image in a registry, with its tag or digest; it is built from images/app."
    )
    app_base_insecure: bool | None = Field(
        None, description="Plain HTTP to the registry of the app's base image; empty: as `registry_insecure` says."
    )
    registry_insecure: bool = Field(
        False, description="Plain HTTP to registries; use it only inside a cluster that you trust."
    )
    registry_ca: Path | None = Field(
        None,
        description="CA certificates (PEM) of the registry; empty: those in `registry_secret`, else the public ones.",
    )
    registry_auth_file: Path | None = Field(
        None,
        description="A Docker config.json with the registry's credentials, in the form of an imagePullSecret; empty: "
        "that in `registry_secret`, else none.",
    )
    registry_secret: Path | None = Field(
        None,
        description="Directory of a mounted Secret with config.json and ca.crt of the registry; what is not there is "
        "not used. Templates set it for the pods that talk to the registry.",
    )
    registry_timeout: float = Field(
        30.0, description="Seconds without a byte from the registry after which a request is sent again."
    )
    image_architecture: str = Field(
        "amd64", description="Architecture of the base image, where it is built for several."
    )
    notify_url: SecretStr = Field(
        SecretStr(""),
        description="Webhook that is sent a message for each release and each change of a performance test, by "
        "PagerDuty's format only for what did not pass and for the end of that; empty: no message. A secret.",
    )
    notify_format: Literal["slack", "pagerduty"] = Field(
        "slack", description="Format of the messages that the webhook accepts."
    )
    notify_key: SecretStr = Field(SecretStr(""), description="PagerDuty's routing key. A secret.")
    argo_url: str = Field(
        "", description="Address of the Argo UI, for links in messages and for archived logs; empty: no links."
    )
    argo_token: SecretStr = Field(
        SecretStr(""),
        validation_alias="ARGO_TOKEN",
        description="Token for Argo's server, from ARGO_TOKEN as for Argo's own program; empty: that of the "
        "kubeconfig. A secret.",
    )
    argo_insecure_skip_verify: bool = Field(
        False,
        validation_alias="ARGO_INSECURE_SKIP_VERIFY",
        description="Take any certificate of Argo's server: by default it makes one that nobody can verify.",
    )
    argocd_url: str = Field("", description="Address of the Argo CD UI, for links in messages; empty: no links.")
    mlflow_url: str = Field(
        "",
        description="Address at which people reach the MLflow UI, for links in messages and in workflows; empty: none.",
    )
    workflows_namespace: str = Field("slipway", description="Namespace of the workflows, for links.")

    perf_namespace: str = Field(
        "slipway-perf",
        description="Namespace in which performance tests run their workflows: apart from releases, so that the rights "
        "of a test end there and its pods can have a quota of their own.",
    )
    perf_service_account: str = Field(
        "slipway-pipeline",
        description="Service account of the pods of tested pipelines that name none, or `slipway-pipeline`; it may "
        "report results to Argo.",
    )
    perf_owner: str = Field(
        "",
        description="The workflow that runs performance tests; the step `perf` sets it. What an attempt of the same "
        "workflow has left is removed before the next.",
    )
    images: Annotated[dict[str, str], NoDecode, BeforeValidator(_of_json)] = Field(
        {},
        description="What stands in tested pipelines on a cluster for our images, such as "
        '`{"steps": "registry.example/slipway/steps:0.1.0"}`; one that is not named stays as it is.',
    )
    prometheus_url: str = Field(
        "",
        description="Prometheus that scrapes the kubelets (cAdvisor), for network and storage of tested runs; empty: "
        "both are not measured.",
    )
    pushgateway_url: str = Field(
        "", description="Pushgateway that gets the results of performance tests; empty: they are not pushed."
    )
    kfp_url: str = Field("", description="Address of the API of Kubeflow Pipelines, `https://host[/prefix]`.")
    kfp_namespace: str = Field(
        "", description="Namespace of the experiments of Kubeflow Pipelines where it has users; empty: it has none."
    )
    kfp_token: SecretStr = Field(
        SecretStr(""), description="Bearer token for the API of Kubeflow Pipelines; empty: it asks for none. A secret."
    )

    kfp_pods_namespace: str = Field(
        "",
        description="Namespace in which the pods of Kubeflow Pipelines run, for what the Kubernetes API alone tells of "
        "tested runs: scheduling, volumes, images, start, CPU, memory. Empty: they are not measured.",
    )

    @cached_property
    def mlflow_uri(self) -> str:
        """The tracking URI for MLflow: the setting, else SQLite under `home`."""
        return self.tracking_uri or f"sqlite:///{self.home.resolve() / 'mlflow' / 'mlflow.db'}"

    @cached_property
    def registry_credentials(self) -> Path | None:
        """The Docker config.json with the registry's credentials; None: it asks for none."""
        return self.registry_auth_file or self._in_registry_secret("config.json")

    @cached_property
    def registry_authorities(self) -> Path | None:
        """The CA certificates (PEM) of the registry; None: the public ones."""
        return self.registry_ca or self._in_registry_secret("ca.crt")

    def _in_registry_secret(self, name: str) -> Path | None:
        file = self.registry_secret / name if self.registry_secret else None
        return file if file and file.is_file() else None

    @cached_property
    def python(self) -> str:
        """The Python interpreter that runs the steps and, on one machine, the app."""
        return sys.executable


def read_settings(home: Path | None = None) -> Settings:
    """The settings of the environment. `home` replaces the setting of that name. Raises BadInput for a wrong value."""
    try:
        return Settings() if home is None else Settings(home=home)
    except ValidationError as error:
        faults = "; ".join(f"SLIPWAY_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
        raise BadInput(f"the settings cannot be used: {faults}", "correct the variable or unset it") from error
