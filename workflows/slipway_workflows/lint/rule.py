"""A rule, and what it finds."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from slipway_workflows.lint.subject import Found, Subject


@dataclass(frozen=True)
class Rule:
    """`id` and `name` never change; `reason` in one line; `fix`: what to do; `look` finds what breaks it."""

    id: str
    name: str
    reason: str
    fix: str
    look: Callable[[Subject], Found]


@dataclass(frozen=True, order=True)
class Finding:
    """One place that breaks a rule. `rule`: its id and name."""

    file: str
    line: int
    rule: str
    message: str
    fix: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
