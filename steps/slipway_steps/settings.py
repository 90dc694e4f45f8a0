"""Every setting, with unit, default and reason. Each is read from the environment as SLIPWAY_<NAME>.

The engine hands these variables to the processes of a local run; on a cluster they come from a ConfigMap.
"""

import sys
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from slipway_steps.domain.errors import BadInput

CARRIED = Path(__file__).resolve().parent / "project"
"""Where an installed distribution carries images/ and workflows/ (see setup.py); not there in a checkout."""
PROJECT_ROOT = CARRIED if CARRIED.is_dir() else Path(__file__).resolve().parents[2]
"""Where images/ and workflows/ lie: in the installed package, in the checkout, or in /app of an image."""


class Settings(BaseSettings):
    """Where things are and how long is waited. Thresholds of gates are workflow parameters, not settings."""

    model_config = SettingsConfigDict(
        env_prefix="SLIPWAY_", extra="ignore", frozen=True, populate_by_name=True, allow_inf_nan=False
    )

    home: Path = Field(Path(".slipway"), description="Directory of all local state; one directory, one installation.")
    app: str = Field("model-app", description="Name of the served application: in Service names and image references.")
    model: str = Field("model-app", description="Name of the registered model in MLflow; the app serves one model.")
    experiment: str = Field("slipway", description="MLflow experiment that holds one run per release.")
    tracking_uri: str = Field("", description="MLflow's address; empty: SQLite under `home`, which needs no server.")
    train_directory: Path = Field(
        PROJECT_ROOT / "images" / "train",
        description="Holds train.py, the user's training program, and evaluation/, their pytest files.",
    )
    app_directory: Path = Field(
        PROJECT_ROOT / "images" / "app", description="Files of the app base image on one machine."
    )
    memory_limit_mib: int = Field(256, description="MiB; the chart's memory limit of the app (requirement R1.12).")
    cpu_limit_millicores: int = Field(500, description="Millicores; the chart's CPU limit (requirement R1.12).")
    limits: Literal["", "watchdog"] = Field(
        "",
        description="What holds an app of this machine to its limits; empty: a cgroup where this user may make one, "
        "else the watchdog, which asks for no privilege.",
    )
    resources: Literal["", "files", "cluster"] = Field(
        "",
        description="Where resource templates of a local run find Kubernetes objects: files under `home`, or the "
        "cluster of the kubeconfig; empty: they are refused.",
    )
    healthy_timeout: float = Field(
        30.0,
        description="Seconds a deployment may take to be ready and serve its version; the app starts in under 3 s, "
        "and an OOM kill with two backed-off restarts is over well before.",
    )
    revision: str = Field("", description="Source revision of the release; empty: asked of git, else unknown.")

    platform: Literal["local", "kubernetes"] = Field(
        "local", description="Where environments are: processes of this machine, or a cluster with Argo CD."
    )
    argocd_namespace: str = Field("argocd", description="Namespace of the Applications.")
    operation_timeout: float = Field(
        180.0,
        description="Seconds for Argo CD to sync an Application; one to three are usual, an image pull is not in it.",
    )
    kubeconfig: str = Field(
        "",
        validation_alias="KUBECONFIG",
        description="The kubeconfig of a process outside of a cluster, from KUBECONFIG as for kubectl; empty: "
        "~/.kube/config.",
    )
    kubernetes_timeout: float = Field(15.0, description="Seconds for one call of the Kubernetes API.")
    metrics_timeout: float = Field(
        150.0,
        description="Seconds that the resource test waits for enough samples; a cluster's metrics come every 15 s, the "
        "first of them up to 60 s after a pod's start.",
    )
    deploy_repository: str = Field(
        "",
        description="Git repository (https://...) that Argo CD deploys from, for releases to commit to; empty: they "
        "set parameters of the Application, and Git does not show them.",
    )
    deploy_branch: str = Field("main", description="Branch that releases push to; the Application follows it.")
    deploy_path: str = Field(
        "charts/model-app/release-{environment}.yaml",
        description="Values file of an environment in that repository; the Application has to name it.",
    )
    deploy_username: str = Field("", description="User of that repository; with a token most servers take any name.")
    deploy_password: SecretStr = Field(SecretStr(""), description="Password or token that may push. A secret.")
    deploy_ca: Path | None = Field(None, description="CA certificates (PEM) of the repository's server.")
    deploy_timeout: float = Field(30.0, description="Seconds for one answer of the repository's server.")
    registry: str = Field(
        "",
        description="OCI registry of the app's images, `host[:port][/prefix]`; empty: a directory under `home`. One "
        "machine deploys from it too, with its own Python.",
    )
    app_base: str = Field(
        "", description="The app's base image in a registry, with tag or digest; built from images/app."
    )
    app_base_insecure: bool | None = Field(
        None, description="Plain HTTP to the registry of the app's base image; empty: as `registry_insecure` says."
    )
    registry_insecure: bool = Field(False, description="Plain HTTP to registries: only inside a cluster one trusts.")
    registry_ca: Path | None = Field(None, description="CA certificates (PEM) of the registry, beside the system's.")
    registry_auth_file: Path | None = Field(
        None, description="A Docker config.json with the registry's credentials, as an imagePullSecret mounts it."
    )
    registry_timeout: float = Field(
        30.0, description="Seconds without a byte from the registry before it is asked anew."
    )
    image_architecture: str = Field("amd64", description="Which image of a base for several architectures is taken.")
    notify_url: SecretStr = Field(
        SecretStr(""), description="Webhook that is told of releases that did not pass; empty: nobody is. A secret."
    )
    notify_format: Literal["slack", "pagerduty"] = Field("slack", description="What the webhook speaks.")
    notify_key: SecretStr = Field(SecretStr(""), description="PagerDuty's routing key. A secret.")
    argo_url: str = Field("", description="Address of the Argo UI, for links in messages; empty: no links.")
    workflows_namespace: str = Field("slipway", description="Namespace of the workflows, for links.")

    @cached_property
    def mlflow_uri(self) -> str:
        """The tracking URI that MLflow is given."""
        return self.tracking_uri or f"sqlite:///{self.home.resolve() / 'mlflow' / 'mlflow.db'}"

    @cached_property
    def python(self) -> str:
        """The interpreter that runs steps and, on one machine, the app."""
        return sys.executable


def read_settings(home: Path | None = None) -> Settings:
    """The settings of the environment, with another `home` where one is given. Raises BadInput for a wrong value."""
    try:
        return Settings() if home is None else Settings(home=home)
    except ValidationError as error:
        faults = "; ".join(f"SLIPWAY_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
        raise BadInput(f"the settings cannot be used: {faults}", "correct the variable or unset it") from error
