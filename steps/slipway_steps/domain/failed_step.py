"""The steps of a workflow that failed, as Argo tells its exit handler in `workflow.failures`."""

import json

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError


class FailedStep(BaseModel):
    """A node that failed: its name for people, the names of its template and of its pod, and Argo's message."""

    model_config = ConfigDict(frozen=True)

    name: str = Field("", alias="displayName")
    template: str = Field("", alias="templateName")
    pod: str = Field("", alias="podName")
    message: str = ""


_STEPS = TypeAdapter(list[FailedStep] | None)


def failed_steps(text: str) -> list[FailedStep]:
    """The failed steps in a value of `workflow.failures`; [] where it is empty or cannot be read.

    Argo writes a JSON list and puts it into a JSON string. It is only used for messages, so it is no error that a
    later Argo writes something else.
    """
    try:
        found = json.loads(text)
        if isinstance(found, str):
            found = json.loads(found)
        return _STEPS.validate_python(found) or []
    except (ValueError, ValidationError, RecursionError):
        return []
