"""The tests run without checkov, which takes seconds a run, unless they ask for it."""

import pytest


@pytest.fixture(autouse=True)
def without_checkov(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway_workflows.validation.policies.program", lambda: None)
