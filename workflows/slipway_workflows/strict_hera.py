"""Hera with strict models; import its names from here.

Hera drops unknown fields without a word: `Synchronization(mutex=...)` becomes `{}` and the lock is lost. Its base model
is made to forbid them, which has to happen before `hera.workflows` is imported for the first time.
"""

from typing import Any, cast

from hera.shared._pydantic import APIBaseModel
from pydantic import ConfigDict

STRICT: dict[str, Any] = {**APIBaseModel.model_config, "extra": "forbid"}
APIBaseModel.model_config = cast(ConfigDict, STRICT)

from hera.workflows import Container, Parameter, Step, Steps, WorkflowTemplate  # noqa: E402
from hera.workflows.models import (  # noqa: E402
    ContinueOn,
    Mutex,
    SecurityContext,
    Synchronization,
    TemplateRef,
    ValueFrom,
)

__all__ = [
    "Container",
    "ContinueOn",
    "Mutex",
    "Parameter",
    "SecurityContext",
    "Step",
    "Steps",
    "Synchronization",
    "TemplateRef",
    "ValueFrom",
    "WorkflowTemplate",
]
