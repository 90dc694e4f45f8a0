"""Hera with strict models; import its names from here.

Hera drops unknown fields without a word: `Synchronization(mutex=...)` becomes `{}` and the lock is lost. Its base model
is made to forbid them, which has to happen before `hera.workflows` is imported for the first time.
"""

from typing import Any, cast

from hera.shared._pydantic import APIBaseModel
from pydantic import ConfigDict

STRICT: dict[str, Any] = {**APIBaseModel.model_config, "extra": "forbid"}
APIBaseModel.model_config = cast(ConfigDict, STRICT)

from hera.workflows import Container, CronWorkflow, Parameter, RetryStrategy, Step, Steps, Suspend, WorkflowTemplate  # noqa: E402
from hera.workflows.models import (  # noqa: E402
    AppArmorProfile,
    Backoff,
    ConfigMapEnvSource,
    ContinueOn,
    Counter,
    EmptyDirVolumeSource,
    EnvFromSource,
    Histogram,
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
    "Container",
    "ContinueOn",
    "Counter",
    "CronWorkflow",
    "EmptyDirVolumeSource",
    "EnvFromSource",
    "Histogram",
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
    "SeccompProfile",
    "SecretEnvSource",
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
]
