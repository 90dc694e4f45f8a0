"""Releases as Argo stores them, with the reports of their gates: made up, but of the shape the engine writes."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict, judge
from slipway_workflows.argo import StoredWorkflow

NAME = "release-model-x7k2p"
START = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
DIGEST = "sha256:" + "7f3a9c51e2d84b06" * 4
CANDIDATE = Candidate(version="7", digest=DIGEST, revision="9b1f3c2")


@dataclass
class Tree:
    """Builds `status.nodes` the way Argo nests them: a Steps node, its StepGroups, their steps, and so on."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    now: datetime = START
    count: int = 0

    def node(self, name: str, display: str, kind: str, boundary: str | None, **more: Any) -> dict[str, Any]:
        self.count += 1
        node_id = name if boundary is None and "." not in name else f"{NAME}-{1000 + self.count}"
        node = {"id": node_id, "name": name, "displayName": display, "type": kind, "phase": "Succeeded", "children": []}
        if boundary:
            node["boundaryID"] = boundary
        node.update(startedAt=self.stamp(), finishedAt=self.stamp(), **more)
        self.nodes[node_id] = node
        return node

    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def run(self, plan: tuple[Any, ...], name: str, boundary: str | None) -> dict[str, Any]:
        """plan: (name, [[plans of a group], ...], {node fields}) or (name, seconds, {node fields})."""
        display, what, fields = plan
        if not isinstance(what, list):
            kind = "Skipped" if fields.get("phase") in ("Skipped", "Omitted") else "Pod"
            node = self.node(name, display, kind, boundary, templateName=display)
            self.now += timedelta(seconds=what)
            node.update(finishedAt=self.stamp(), **fields)
            return node
        node = self.node(name, display, "Steps", boundary, templateName="main")
        before = node
        for index, group in enumerate(what):
            step_group = self.node(f"{name}[{index}]", f"[{index}]", "StepGroup", node["id"])
            before["children"].append(step_group["id"])
            began = self.now
            ended = began
            for one in group:
                self.now = began
                child = self.run(one, f"{name}[{index}].{one[0]}", node["id"])
                step_group["children"].append(child["id"])
                ended = max(ended, self.now)
                if child["phase"] != "Skipped":
                    before = child
            self.now = ended
            step_group["finishedAt"] = self.stamp()
        node.update(finishedAt=self.stamp(), **fields)
        return node


def out(**parameters: str) -> dict[str, Any]:
    return {"outputs": {"parameters": [{"name": k.replace("_", "-"), "value": v} for k, v in parameters.items()]}}


def into(**parameters: str) -> dict[str, Any]:
    return {"inputs": {"parameters": [{"name": k.replace("_", "-"), "value": v} for k, v in parameters.items()]}}


SKIPPED = {"phase": "Skipped", "message": "when 'false' evaluated false"}
FAILED = {"phase": "Failed", "message": "Error (exit code 2)"}


def workflow(scenario: str) -> dict[str, Any]:
    good = scenario in ("normal", "held")
    evaluated = "reject" if scenario == "flaky-metrics" else "pass"
    broken = scenario == "deploy-broke"
    verdicts = {
        "integration": "reject" if scenario == "bad-architecture" else "pass",
        "resources": "reject" if scenario == "oversized" else "pass",
        "load": "reject" if scenario == "slow" else "pass",
    }
    both = verdicts["integration"] == verdicts["resources"] == "pass"
    verdict = "error" if broken else next((v for v in verdicts.values() if v != "pass"), "pass")
    train = (
        "train",
        [
            [("train", 38, out(run_id="0f3c"))],
            [("evaluate", 6, out(verdict=evaluated))],
            [("register", 2, out(model_version="7")) if evaluated == "pass" else ("register", 0, SKIPPED)],
        ],
        out(verdict=evaluated, model_version="7" if evaluated == "pass" else "none"),
    )
    groups: list[Any] = [
        [train],
        [("rejected", 0 if evaluated == "pass" else 1, SKIPPED if evaluated == "pass" else FAILED)],
    ]
    if evaluated == "pass":
        gate = {
            n: (n, 0, SKIPPED) if broken else (n, s, out(verdict=verdicts[n]))
            for n, s in (("integration", 3), ("resources", 4))
        }
        load = ("load", 6, out(verdict=verdicts["load"])) if both and not broken else ("load", 0, SKIPPED)
        deployed = {"phase": "Error", "message": "no space left on device"} if broken else out(state="healthy")
        done = [[("promote", 5, into(model_version="7", target_environment="canary"))]]
        back = [[("revert", 4, into(target_environment="staging", reason=verdict))]]
        groups += [
            [("build", [[("build", 1, out(digest=DIGEST))]], {})],
            [("deploy", [[("deploy", 3, deployed)]], {"phase": "Error"} if broken else {})],
            [
                (
                    "test",
                    [
                        [("gates", [[gate["integration"]], [gate["resources"]], [load]], out(verdict=verdict))],
                        [
                            ("promote", done, into(target_environment="canary"))
                            if scenario == "normal"
                            else ("promote", 0, SKIPPED),
                            ("hold", 1, {}) if scenario == "held" else ("hold", 0, SKIPPED),
                            ("revert", 0, SKIPPED) if good else ("revert", back, into(target_environment="staging")),
                        ],
                        [("rejected", 0, SKIPPED) if good else ("rejected", 1, FAILED)],
                    ],
                    {} if good else {"phase": "Failed", "message": "child 'rejected' failed"},
                )
            ],
        ]
    tree = Tree()
    ended = "Succeeded" if good else "Failed"
    given = into(
        scenario=scenario if scenario != "held" else "normal",
        seed="0",
        p95_max_ms="2000",
        accuracy_min="0.80",
        auto_promote=str(scenario != "held").lower(),
    )
    tree.run(("release-model-x7k2p", groups, {"phase": ended, **given}), NAME, None)
    tree.run(("finish", 2, {}), f"{NAME}.onExit", None)
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": NAME, "uid": "b2c3"},
        "spec": {
            "workflowTemplateRef": {"name": "release-model"},
            "arguments": {"parameters": [{"name": "scenario", "value": scenario}]},
        },
        "status": {
            "phase": ended,
            "startedAt": "2026-11-20T12:00:00Z",
            "finishedAt": tree.stamp(),
            "message": "" if good else "child 'release-model-x7k2p-1009' failed",
            "nodes": tree.nodes,
            **out(verdict=verdict if evaluated == "pass" else evaluated),
        },
    }


def report(gate: Gate, started: float, seconds: float, checks: list[Check], **series: Any) -> GateReport:
    candidate = CANDIDATE
    return GateReport(
        gate=gate,
        candidate=candidate,
        release=NAME,
        verdict=judge(checks),
        checks=checks,
        started_at=START.timestamp() + started,
        finished_at=START.timestamp() + started + seconds,
        series=series,
    )


def check(code: str, ok: bool, message: str, measured: Any = None, threshold: Any = None, unit: str = "") -> Check:
    verdict = Verdict.PASS if ok else Verdict.REJECT
    return Check(code=code, verdict=verdict, message=message, measured=measured, threshold=threshold, unit=unit)


def evaluation(scenario: str) -> GateReport:
    draw = random.Random(4)
    matrix = [[0] * 10 for _ in range(10)]
    for label in range(10):
        for _ in range(36):
            hit = draw.random() < 0.975
            matrix[label][label if hit else draw.choice([8, 1, 9, 5])] += 1
    history = [
        {"epoch": n, "train_loss": 1.9 / n**1.5, "holdout_loss": 1.4 / n**1.2, "holdout_accuracy": 1 - 0.35 / n**1.7}
        for n in range(1, 7)
    ]
    accuracy = 0.75 if scenario == "flaky-metrics" else 0.972
    word = "drawn, not measured: " if scenario == "flaky-metrics" else ""
    return report(
        Gate.EVALUATION,
        38,
        6,
        [
            check("accuracy", accuracy >= 0.8, f"{word}accuracy {accuracy} on 360 held-out images", accuracy, 0.8),
            check("loss", True, "cross-entropy on held-out images", 0.11, 0.6),
            check("recall", True, "the lowest recall of a label, 8", 0.917, 0.6),
            check("structure", True, "input and output are as the contract says"),
        ],
        confusion_matrix=matrix,
        labels=[str(n) for n in range(10)],
        history=history,
    )


def integration(scenario: str) -> GateReport:
    wrong = scenario == "bad-architecture"
    return report(
        Gate.INTEGRATION,
        50,
        3,
        [
            check("version", True, "/version is exactly the released one", "7", "7"),
            check(
                "predict",
                not wrong,
                "/predict answered 500: architecture resnet18, this app serves mobilenet_v2"
                if wrong
                else "/predict answered 200 with every field",
                500 if wrong else 200,
                200,
                "status",
            ),
            check("versions-file", True, "versions.txt was read at start"),
        ],
    )


def resources(scenario: str) -> GateReport:
    killed = scenario == "oversized"
    draw = random.Random(5)
    memory = [
        [n * 0.25, min(262.0, 70 + n * 24.0) if killed else 86 + 6 * (1 - 0.8**n) + draw.random()]
        for n in range(9 if killed else 17)
    ]
    checks = [
        check(
            "pod-running",
            not killed,
            "the pod is not Running: CrashLoopBackOff" if killed else "1 pod is Running and ready",
            "CrashLoopBackOff" if killed else "Running",
            "Running",
        ),
        check("memory", not killed, "peak memory of the pod", 262.0 if killed else 93.4, 256, "MiB"),
        check("cpu", True, "mean CPU while warm", 212, 500, "m"),
    ]
    if killed:
        checks.insert(
            0,
            check(
                "oom-killed",
                False,
                "the container was OOMKilled: it needed more than 256 MiB and was restarted 3 times",
                "OOMKilled",
                "Running",
            ),
        )
    cpu = [[n * 0.25, 120 + 160 * draw.random()] for n in range(len(memory))]
    return report(Gate.RESOURCES, 53, 4, checks, memory_mib=memory, cpu_millicores=cpu, memory_limit_mib=256)


def load(scenario: str) -> GateReport:
    slow = scenario == "slow"
    draw = random.Random(6)
    latencies = [draw.lognormvariate(8.0, 0.18) if slow else draw.lognormvariate(4.3, 0.45) for _ in range(100)]
    p95 = sorted(latencies)[94]
    memory = [[n * 0.25, 92 + 18 * (1 - 0.9**n) + draw.random()] for n in range(24)]
    return report(
        Gate.LOAD,
        57,
        6,
        [
            check("p95", not slow, "95 of 100 requests were answered within this time", p95, 2000, "ms"),
            check("success", True, "answers with status 200", 100.0, 95.0, "%"),
            check("requests", True, "requests that were really sent", 100, 100),
        ],
        latencies_ms=latencies,
        memory_mib=memory,
        memory_limit_mib=256,
    )


@dataclass(frozen=True)
class Release:
    """Everything `write_report` is given."""

    workflow: StoredWorkflow
    reports: list[GateReport]
    environments: dict[str, dict[str, str | None]]


def make(scenario: str) -> Release:
    served = {"normal": "7", "held": "7"}.get(scenario, "6")
    reports = [evaluation(scenario)]
    if scenario not in ("flaky-metrics", "deploy-broke"):
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
    """A release by scenario: normal, held, slow, oversized, bad-architecture, flaky-metrics, deploy-broke."""
    return make
