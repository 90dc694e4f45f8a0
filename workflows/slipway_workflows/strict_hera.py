"""Hera with strict models. Import the names of Hera from this module only.

Hera ignores unknown fields without a warning: `Synchronization(mutex=...)` becomes `{}`, and the lock is lost. So this
module makes its base model forbid them, which has to be done before the first import of `hera.workflows`.
"""

from typing import Any, cast

from hera.shared._pydantic import APIBaseModel
from pydantic import ConfigDict

STRICT: dict[str, Any] = {**APIBaseModel.model_config, "extra": "forbid"}
APIBaseModel.model_config = cast(ConfigDict, STRICT)

from hera.workflows import (  # noqa: E402
    Container,
    CronWorkflow,
    Parameter,
    RetryStrategy,
    S3Artifact,
    Step,
    Steps,
    Suspend,
    WorkflowTemplate,
    models,
)
from hera.workflows.models import (  # noqa: E402
    AppArmorProfile,
    Backoff,
    ConfigMapEnvSource,
    ConfigMapVolumeSource,
    ContinueOn,
    Counter,
    EmptyDirVolumeSource,
    EnvFromSource,
    Histogram,
    KeyToPath,
    LabelValueFrom,
    MetricLabel,
    Metrics,
    Mutex,
    PodGC,
    PodSecurityContext,
    Prometheus,
    ResourceRequirements,
    SeccompProfile,
    SecretEnvSource,
    SecretVolumeSource,
    SecurityContext,
    Synchronization,
    TemplateRef,
    TTLStrategy,
    ValueFrom,
    Volume,
    VolumeMount,
    WorkflowMetadata,
    WorkflowTemplateRef,
)

__all__ = [
    "AppArmorProfile",
    "Backoff",
    "ConfigMapEnvSource",
    "ConfigMapVolumeSource",
    "Container",
    "ContinueOn",
    "Counter",
    "CronWorkflow",
    "EmptyDirVolumeSource",
    "EnvFromSource",
    "Histogram",
    "KeyToPath",
    "LabelValueFrom",
    "MetricLabel",
    "Metrics",
    "Mutex",
    "Parameter",
    "PodGC",
    "PodSecurityContext",
    "Prometheus",
    "ResourceRequirements",
    "RetryStrategy",
    "S3Artifact",
    "SeccompProfile",
    "SecretEnvSource",
    "SecretVolumeSource",
    "SecurityContext",
    "Step",
    "Steps",
    "Suspend",
    "Synchronization",
    "TTLStrategy",
    "TemplateRef",
    "ValueFrom",
    "Volume",
    "VolumeMount",
    "WorkflowMetadata",
    "WorkflowTemplate",
    "WorkflowTemplateRef",
    "models",
]
