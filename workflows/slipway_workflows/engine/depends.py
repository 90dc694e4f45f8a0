"""`depends` of a DAG task: which tasks it names, and whether it holds.

a                  a.Succeeded || a.Skipped || a.Daemoned
a.Failed           one phase: Succeeded, Failed, Errored, Skipped, Omitted, Daemoned
a && (b || !c.Failed)
"""

import re
from collections.abc import Mapping
from typing import Any

from slipway_workflows.engine import exprlang

TERM = re.compile(r"(?P<task>[A-Za-z0-9_][A-Za-z0-9_-]*)(?:\.(?P<phase>[A-Za-z]+))?")
DONE = ("Succeeded", "Skipped", "Daemoned")
WORDS = {"Error": "Errored"}


def clause_of(task: Mapping[str, Any]) -> str:
    """The `depends` of a task; `dependencies: [a, b]` is `a && b`."""
    return str(task.get("depends") or " && ".join(task.get("dependencies") or []))


def tasks_in(clause: str) -> list[str]:
    """The tasks a clause names."""
    return list(dict.fromkeys(match.group("task") for match in TERM.finditer(clause)))


def holds(clause: str, phases: Mapping[str, str]) -> bool:
    """Whether a clause holds, given the phase of every task it names. Raises ExpressionError."""

    def term(match: re.Match[str]) -> str:
        name, phase = match.group("task"), match.group("phase")
        return " || ".join(f"t['{name}'].{p}" for p in ([phase] if phase else DONE)).join("()")

    known = {name: {WORDS.get(phase, phase): True} for name, phase in phases.items()}
    every = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed")
    maps = {name: {p: found.get(p, False) for p in every} for name, found in known.items()}
    return exprlang.evaluate_bool(TERM.sub(term, clause), {"t": maps})
