"""The form of a finding, and what is told of the rule behind it."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol


class Described(Protocol):
    """What people are told of a rule.

    id, name: never change, because people refer to them. reason: why the rule exists, in one line. fix: what to do.
    """

    @property
    def id(self) -> str:
        """Such as `SL001`."""

    @property
    def name(self) -> str:
        """Such as `fire-and-forget`."""

    @property
    def reason(self) -> str:
        """Why the rule exists."""

    @property
    def fix(self) -> str:
        """What to do."""


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
