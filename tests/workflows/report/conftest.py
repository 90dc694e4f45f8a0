"""Made-up releases with everything that a report is written from."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from workflows.report.gate_reports import evaluation, handler, integration, load, resources
from workflows.report.stored_release import DIGEST, workflow

from slipway_steps.domain.verdict import GateReport
from slipway_workflows.argo import StoredWorkflow


@dataclass(frozen=True)
class Release:
    """Everything `write_report` is given."""

    workflow: StoredWorkflow
    reports: list[GateReport]
    environments: dict[str, dict[str, str | None]]


def make(scenario: str) -> Release:
    served = {"normal": "7", "held": "7"}.get(scenario, "6")
    reports = [evaluation(scenario)]
    if scenario != "flaky-metrics":
        reports.append(handler(scenario))
    if scenario not in ("flaky-metrics", "bad-handler", "deploy-broke"):
        reports += [integration(scenario), resources(scenario)]
        if scenario in ("normal", "held", "slow"):
            reports.append(load(scenario))

    def entry(version: str | None, last_good: str | None, port: int) -> dict[str, str | None]:
        digest = None if version is None else DIGEST if version == "7" else "sha256:" + "4be10d77" * 8
        phase, url = ("Running", f"http://127.0.0.1:{port}") if version else ("Empty", None)
        return {"version": version, "digest": digest, "phase": phase, "url": url, "last_good": last_good}

    return Release(
        StoredWorkflow(workflow(scenario)),
        reports,
        {
            "staging": entry(served, served, 40611),
            "canary": entry("7" if scenario == "normal" else "6", "7" if scenario == "normal" else "6", 40612),
            "production": entry(None, None, 0),
        },
    )


@pytest.fixture
def release() -> Callable[[str], Release]:
    """A release by scenario: normal, held, slow, oversized, bad-architecture, bad-handler, flaky-metrics,
    deploy-broke.
    """
    return make
