"""The form of a lint rule, and of a finding."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from slipway_workflows.lint.subject import Found, Subject


@dataclass(frozen=True)
class Rule:
    """A lint rule.

    id, name: never change, because people refer to them. reason: why the rule exists, in one line. fix: what to do.
    find: yields the path of each field that breaks the rule, and a message.
    """

    id: str
    name: str
    reason: str
    fix: str
    find: Callable[[Subject], Found]


@dataclass(frozen=True, order=True)
class Finding:
    """A line of a file that breaks a rule. rule: id and name of the rule. fix: what to do."""

    file: str
    line: int
    rule: str
    message: str
    fix: str

    def as_dict(self) -> dict[str, Any]:
        """The fields of the finding by name, for JSON."""
        return asdict(self)
