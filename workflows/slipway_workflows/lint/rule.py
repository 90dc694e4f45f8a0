"""The form of a lint rule."""

from collections.abc import Callable
from dataclasses import dataclass

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
