"""The gates against servers that misbehave, over real HTTP; Locust really runs."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from slipway_steps.adapters.http.app_client import AppClient
from slipway_steps.adapters.http.load_generator import LocustLoadGenerator
from slipway_steps.domain.answer import RequestResult
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.pods import ContainerState, Observation, Pod, Rollout, Sample
from slipway_steps.domain.verdict import Check, Gate, Verdict, judge
from slipway_steps.entry import STEPS, load_step
from slipway_steps.release import integration, load, resources
from slipway_steps.release.gate_run import UnderTest
from slipway_steps.release.pod_checks import pod_checks

CANDIDATE = Candidate(version="1", digest="sha256:" + "a" * 64)
LABELS = ["0", "1"]
GOOD = {"label": "1", "confidence": 0.9, "probabilities": {"0": 0.1, "1": 0.9}, "version": "1"}
VERSION = {"version": "1", "digest": CANDIDATE.digest}
MIB = 2**20


class Server:
    """Answers /version and /predict with what it is told: (status, body), a text, or a function of the count."""

    def __init__(self) -> None:
        self.version: Any = (200, VERSION)
        self.predict: Any = (200, GOOD)
        self.calls = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, told: Any) -> None:
                status, body = told(outer.calls) if callable(told) else told
                content = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                self.answer(outer.version)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.calls += 1
                self.answer(outer.predict)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def under_test(self) -> UnderTest:
        return UnderTest(CANDIDATE, AppClient(self.url, 5), [("1", b"x"), ("0", b"x"), ("1", b"x")], LABELS)


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.http.shutdown()
    found.http.server_close()


def codes(checks: list[Check]) -> set[str]:
    return {check.code for check in checks if check.verdict is not Verdict.PASS}


def test_a_good_app_passes(server: Server) -> None:
    checks = integration.checks(server.under_test())
    assert (judge(checks), codes(checks)) == (Verdict.PASS, set())


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda s: setattr(s, "version", (200, VERSION | {"version": "10"})), "version"),
        (lambda s: setattr(s, "version", (200, VERSION | {"version": 1})), "version"),
        (lambda s: setattr(s, "version", (200, {"version": None, "error": "versions.txt cannot be read"})), "version"),
        (lambda s: setattr(s, "version", (500, VERSION)), "version"),
        (lambda s: setattr(s, "version", (200, "no json")), "version"),
        (lambda s: setattr(s, "version", (200, VERSION | {"digest": "sha256:other"})), "digest"),
        (lambda s: setattr(s, "predict", (500, {"error": "contract mismatch"})), "predict"),
        (lambda s: setattr(s, "predict", (200, "<html>")), "predict"),
        (lambda s: setattr(s, "predict", (200, {})), "predict"),
        (lambda s: setattr(s, "predict", (200, GOOD | {"label": "7"})), "predict"),
        (lambda s: setattr(s, "predict", (200, GOOD | {"confidence": 2})), "predict"),
        (lambda s: setattr(s, "predict", (200, GOOD | {"probabilities": {"1": 0.2}})), "predict"),
        (lambda s: setattr(s, "predict", (200, GOOD | {"label": "0"})), "samples-right"),
        (lambda s: setattr(s, "predict", lambda n: (200, GOOD) if n != 2 else (503, {})), "predict"),
    ],
)
def test_integration_catches(server: Server, spoil: Callable[[Server], None], code: str) -> None:
    spoil(server)
    checks = integration.checks(server.under_test())
    assert judge(checks) is Verdict.REJECT
    assert codes(checks) == {code}


def test_an_unreachable_app_is_rejected_not_an_error(server: Server) -> None:
    server.http.shutdown()
    server.http.server_close()
    checks = integration.checks(server.under_test(), reach=0.5)
    assert (judge(checks), codes(checks)) == (Verdict.REJECT, {"unreachable"})


def pod(state: str = "running", reason: str = "", last: str = "", **more: Any) -> Pod:
    finished = ContainerState(kind="terminated", reason=last, exit_code=137) if last else None
    fields: dict[str, Any] = {"phase": "Running", "ready": state == "running", "restarts": 0, "digest": "d"}
    return Pod(
        name="p",
        state=ContainerState(kind=state, reason=reason),  # type: ignore[arg-type]
        last_state=finished,
        **(fields | more),
    )


def observed(
    *pods: Pod, memory: float = 90, cpu: float = 50, throttled: float = 0, count: int = 5, metrics: bool = True
) -> Observation:
    now = time.time()
    samples = [
        Sample(at=now + n, memory_bytes=int(memory * MIB), cpu_millicores=cpu, throttled_percent=throttled)
        for n in range(count)
    ]
    return Observation(
        environment=Environment.STAGING,
        pods=list(pods),
        samples=samples,
        metrics_available=metrics,
        memory_limit_bytes=256 * MIB,
        cpu_limit_millicores=500,
    )


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (pod(), set()),
        (pod("waiting", "CrashLoopBackOff", "OOMKilled", restarts=2), {"oom-killed", "crash-loop"}),
        (pod("terminated", "OOMKilled"), {"oom-killed"}),
        (pod(last="OOMKilled", restarts=1), {"oom-killed"}),
        (pod("waiting", "CrashLoopBackOff", "Error", restarts=2), {"crashed", "crash-loop"}),
        (pod(ready=False), {"not-ready"}),
        (pod(restarts=1), {"restarted"}),
    ],
)
def test_every_state_of_a_pod_is_named(found: Pod, wanted: set[str]) -> None:
    checks = pod_checks(observed(found))
    assert codes(checks) == wanted
    assert judge(checks) is (Verdict.REJECT if wanted else Verdict.PASS)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ([pod("waiting", "ImagePullBackOff", phase="Pending")], "image-pull"),
        ([pod("waiting", "ContainerCreating", phase="Pending")], "pending"),
        ([pod("waiting", "Unschedulable", phase="Pending")], "pending"),
        ([pod("waiting", "CreateContainerConfigError", phase="Pending")], "pending"),
        ([pod(phase="Unknown", ready=False)], "pod-unknown"),
        ([], "no-pod"),
    ],
)
def test_what_the_platform_has_not_done_says_nothing_about_the_model(found: list[Pod], wanted: str) -> None:
    checks = pod_checks(observed(*found))
    assert codes(checks) == {wanted}
    assert judge(checks) is Verdict.INCONCLUSIVE


def test_pods_that_are_not_replaced_yet_are_not_judged() -> None:
    rollout = Rollout(complete=False, message="the Deployment is stale")
    (check,) = pod_checks(observed(pod()).model_copy(update={"rollout": rollout}))
    assert (check.code, check.verdict, check.message) == ("rollout", Verdict.INCONCLUSIVE, "the Deployment is stale")


@pytest.mark.parametrize(
    ("usage", "verdict", "wanted"),
    [
        ({}, Verdict.PASS, set()),
        ({"memory": 256}, Verdict.REJECT, {"memory"}),
        ({"cpu": 500}, Verdict.REJECT, {"cpu"}),
        ({"throttled": 51}, Verdict.REJECT, {"throttled"}),
        ({"count": 2}, Verdict.INCONCLUSIVE, {"metrics"}),
        ({"metrics": False}, Verdict.INCONCLUSIVE, {"metrics"}),
    ],
)
def test_usage(usage: dict[str, Any], verdict: Verdict, wanted: set[str]) -> None:
    params = resources.Params(release="r")
    checks = resources.usage_checks(params, observed(pod(), **usage), time.time() - 1)
    assert (judge(checks), codes(checks)) == (verdict, wanted)


def test_samples_older_than_the_warm_up_do_not_count() -> None:
    checks = resources.usage_checks(resources.Params(release="r"), observed(pod()), time.time() + 60)
    assert judge(checks) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ((200, GOOD), set()),
        ((500, {"error": "no"}), {"success"}),
        ((200, "<html>"), {"success"}),
        ((200, {}), {"success"}),
        (lambda n: (200, GOOD) if n % 10 else (503, {}), {"success"}),
        (lambda n: (200, GOOD) if n != 5 else (503, {}), set()),
    ],
)
def test_load_judges_raw_samples_of_real_requests(server: Server, answers: Any, wanted: set[str]) -> None:
    server.predict = answers
    results = LocustLoadGenerator().send(server.url, b"image", 40, 5, 30)
    assert len(results) == 40
    checks = load.request_checks(load.Params(release="r", load_requests=40), results, LABELS)
    assert codes(checks) == wanted


def test_a_slow_server_is_rejected_by_its_p95(server: Server) -> None:
    def slow(count: int) -> tuple[int, Any]:
        time.sleep(0.2)
        return 200, GOOD

    server.predict = slow
    results = LocustLoadGenerator().send(server.url, b"image", 20, 5, 30)
    checks = load.request_checks(load.Params(release="r", load_requests=20, p95_max_ms=100), results, LABELS)
    assert codes(checks) == {"p95"}


def test_what_was_not_answered_in_time_has_failed(server: Server) -> None:
    def stuck(count: int) -> tuple[int, Any]:
        time.sleep(30 if count > 3 else 0)
        return 200, GOOD

    server.predict = stuck
    started = time.monotonic()
    results = LocustLoadGenerator().send(server.url, b"image", 10, 2, 3)
    assert time.monotonic() - started < 28, "not the 30 s that the server takes"
    checks = load.request_checks(load.Params(release="r", load_requests=10), results, LABELS)
    assert "success" in codes(checks)


def test_nobody_there_fails_and_nothing_tried_is_inconclusive() -> None:
    results = LocustLoadGenerator().send("http://127.0.0.1:9", b"image", 10, 2, 10)
    params = load.Params(release="r", load_requests=10)
    assert "success" in codes(load.request_checks(params, results, LABELS))
    assert judge(load.request_checks(params, [], LABELS)) is Verdict.INCONCLUSIVE


def test_exactly_the_threshold_of_success_is_not_enough() -> None:
    results = [RequestResult(1, 200, GOOD)] * 95 + [RequestResult(1, 500, None)] * 5
    assert codes(load.request_checks(load.Params(release="r"), results, LABELS)) == {"success"}
    results = [RequestResult(1, 200, GOOD)] * 96 + [RequestResult(1, 500, None)] * 4
    assert codes(load.request_checks(load.Params(release="r"), results, LABELS)) == set()


@pytest.mark.parametrize(
    ("peak", "memory", "found", "wanted"),
    [
        (100, 90, pod(), Verdict.PASS),
        (256, 90, pod(), Verdict.REJECT),
        (None, 90, pod(), Verdict.PASS),
        (None, 256, pod(), Verdict.REJECT),
        (100, 90, pod(last="OOMKilled", restarts=1), Verdict.REJECT),
    ],
)
def test_the_peak_under_load_is_judged(peak: int | None, memory: float, found: Pod, wanted: Verdict) -> None:
    seen = observed(found, memory=memory).model_copy(update={"peak_memory_bytes": peak and peak * MIB})
    (check,) = load.peak_checks(seen)
    assert (check.code, check.verdict, check.threshold) == ("peak-memory", wanted, 256)


def test_no_measured_memory_is_no_check() -> None:
    assert load.peak_checks(observed(pod(), count=0)) == []


def test_gates_on_disk_are_the_gates_of_the_domain() -> None:
    # no promotion waits for the verdict of a performance test
    judging = {name for name in STEPS if "verdict" in load_step(name).Outputs.model_fields} - {"perf"}
    # the step is a verb where the gate is a noun
    assert {name.replace("evaluate", "evaluation") for name in judging} == {gate.value for gate in Gate}


def test_every_step_lies_in_a_file_of_its_name() -> None:
    steps = {path.stem for path in Path(load.__file__).parent.glob("*.py") if "\ndef run(params" in path.read_text()}
    assert steps == {name for name, module in STEPS.items() if module.startswith("slipway_steps.release.")}
    assert all(load_step(name).__name__.rpartition(".")[2] == name for name in steps)
