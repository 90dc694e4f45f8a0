"""Made-up reports of the gates, for each scenario of a release."""

import random
from typing import Any

from workflows.report.stored_release import DIGEST, NAME, START

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict, judge

CANDIDATE = Candidate(version="7", digest=DIGEST, revision="9b1f3c2")


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


def handler(scenario: str) -> GateReport:
    broken = scenario == "bad-handler"
    fault = "output_fn returned None (code/inference.py:89, sample images.json); return the serialized answer"
    return report(
        Gate.HANDLER,
        45,
        4,
        [
            *([check("output-none", False, fault)] if broken else []),
            check("model_fn", True, "1 call, 41 ms, peak 96 MiB; usual are 100 to 5000 ms", 41.0, None, "ms"),
        ],
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
