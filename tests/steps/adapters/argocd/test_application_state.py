"""Each state of an Application has its answer."""

from datetime import UTC, datetime
from typing import Any

import pytest

from slipway_steps.adapters.argocd.application_state import trouble

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC).timestamp()
WELL = {
    "sync": {"status": "Synced"},
    "health": {"status": "Healthy"},
    "operationState": {"phase": "Succeeded"},
    "reconciledAt": "2026-11-21T11:58:00Z",
}
DEGRADED = [{"kind": "Deployment", "name": "d", "health": {"status": "Degraded", "message": "exceeded its deadline"}}]


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({}, ""),
        ({"health": {"status": "Progressing"}}, ""),
        ({"health": {"status": "Missing"}}, "resources of it are missing in the cluster"),
        ({"health": {"status": "Unknown"}}, "Argo CD cannot tell its health"),
        (
            {"health": {"status": "Degraded"}, "resources": DEGRADED},
            "it is Degraded: Deployment d: exceeded its deadline",
        ),
        ({"sync": {"status": "Unknown"}}, "Argo CD cannot tell whether it is synced"),
        (
            {"sync": {"status": "Unknown"}, "conditions": [{"type": "ComparisonError", "message": "no chart"}]},
            "Argo CD cannot compare it: no chart",
        ),
        (
            {"sync": {"status": "OutOfSync"}},
            "it is OutOfSync and nobody syncs it: it was changed by somebody else, or its operation was lost",
        ),
        (
            {"sync": {"status": "OutOfSync"}, "operationState": {"phase": "Failed", "message": "denied"}},
            "its last sync is Failed: denied",
        ),
        ({"operationState": {"phase": "Running"}}, "it is being synced"),
        (
            {"reconciledAt": "2026-11-21T11:00:00Z"},
            "Argo CD last looked at it 60 minutes ago: does its application controller run?",
        ),
    ],
)
def test_each_state_has_its_answer(change: dict[str, Any], answer: str) -> None:
    assert trouble({"status": WELL | change}, NOW) == answer


def test_a_requested_operation_and_an_application_that_is_new() -> None:
    assert trouble({"operation": {}, "status": WELL}, NOW) == ""
    assert trouble({"operation": {"sync": {}}, "status": WELL}, NOW) == "it is being synced"
    assert trouble({}, NOW) == "Argo CD has not looked at it yet: does its application controller run?"
