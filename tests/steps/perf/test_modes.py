"""The modes: what each of them asks of its target, and what it works out."""

import itertools
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from steps.perf.sleeping_target import SleepingTarget
from steps.perf.test_driver import check, session

from slipway_steps.adapters.targets.local_schedule import LocalSchedule
from slipway_steps.domain.errors import AppError
from slipway_steps.domain.perf_measures import BY_MODE
from slipway_steps.domain.perf_session import Firing, PerfSession
from slipway_steps.domain.statistics import percentile
from slipway_steps.domain.verdict import Verdict

STALL_EVERY, STALL = 3.0, 1.0
"""Seconds between two stalls of the server, and how long it then answers nobody."""


class Stalling(ThreadingHTTPServer):
    """A server that now and then answers nobody for a second, as one whose garbage collector runs."""

    daemon_threads = True
    request_queue_size = 200

    def __init__(self, stall: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.began, self.stall = time.monotonic(), stall
        self.paths: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Stalling

    def do_GET(self) -> None:
        into = (time.monotonic() - self.server.began) % STALL_EVERY
        if into < self.server.stall:
            time.sleep(self.server.stall - into)
        self.server.paths.append(self.path)
        status = 500 if self.path == "/broken" else 200
        # at once, so that no delayed acknowledgement adds 40 ms
        self.wfile.write(f"HTTP/1.0 {status} X\r\nContent-Length: 2\r\n\r\nok".encode())

    def log_message(self, *arguments: object) -> None:
        pass


class HttpTarget(SleepingTarget):
    """Asks a real server."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.operations = ["one", "two", "three"]

    def get(self, operation: str) -> int:
        try:
            return requests.get(f"{self.url}/{operation}", timeout=10).status_code
        except requests.RequestException as error:
            raise AppError("no answer") from error


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Stalling]:
    found = Stalling(request.param)
    thread = threading.Thread(target=found.serve_forever, args=(0.05,))
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def url(server: Stalling) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


@pytest.mark.parametrize("server", [STALL, 0.0], indirect=True)
def test_a_server_that_stalls_is_seen_in_the_p99(tmp_path: Path, server: Stalling) -> None:
    server.began = time.monotonic() - 1.5  # no stall at the beginning
    told: dict[str, object] = {"mode": "RANDOM_GETS", "numTimes": 180, "requestsPerSecond": 60}
    found = session(tmp_path, HttpTarget(url(server)), thresholds={"p99 ms": 700, "requests/s": 20}, **told)
    assert check(found, "p99 ms") is found.verdict is (Verdict.REJECT if server.stall else Verdict.PASS)
    assert check(found, "requests/s") is Verdict.PASS
    assert BY_MODE["RANDOM_GETS"].keys() <= found.measures.keys()
    seconds = [one.seconds for one in found.requests]
    assert len(seconds) == 180
    assert found.measures["requests/s"] == pytest.approx(60, rel=0.35)
    if server.stall:
        # a third of the requests were due in the second of the stall; a closed loop would have sent one
        assert percentile(seconds, 99) >= 0.9
        assert percentile(seconds, 50) < 0.5
        assert sum(one > 0.3 for one in seconds) > 20
    else:
        assert percentile(seconds, 99) < 0.5


@pytest.mark.parametrize("server", [0.0], indirect=True)
def test_the_choice_of_operations_can_be_repeated(tmp_path: Path, server: Stalling) -> None:
    told: dict[str, object] = {"mode": "RANDOM_GETS", "numTimes": 30, "requestsPerSecond": 100}
    one, two, other = [
        [call.operation for call in session(tmp_path, HttpTarget(url(server)), seed=seed, **told).requests]
        for seed in (1, 1, 2)
    ]
    assert one == two != other
    assert set(one) == {"one", "two", "three"}


class Cold(SleepingTarget):
    """A target whose client takes long for the first request of each operation, as it has to be imported."""

    def get(self, operation: str) -> int:
        time.sleep(0 if operation in self.asked else 0.3)
        return super().get(operation)


@pytest.mark.parametrize(("warm_up", "sent"), [(0, 2), (3, 5)])
def test_the_start_of_the_client_is_no_latency(tmp_path: Path, warm_up: int, sent: int) -> None:
    target = Cold()
    found = session(tmp_path, target, mode="RANDOM_GETS", numTimes=20, requestsPerSecond=100, warmUp=warm_up)
    assert set(target.asked[:2]) == {"a", "b"}
    assert (len(found.requests), len(target.asked)) == (20, 20 + sent)
    assert max(one.seconds for one in found.requests) < 0.2


@pytest.mark.parametrize("server", [0.0], indirect=True)
def test_requests_that_fail_reject(tmp_path: Path, server: Stalling) -> None:
    target = HttpTarget(url(server))
    target.operations = ["broken", "one"]
    found = session(tmp_path, target, mode="RANDOM_GETS", numTimes=40, requestsPerSecond=100)
    assert found.verdict is Verdict.REJECT
    assert found.measures["error rate"] == pytest.approx(0.5, abs=0.25)
    target.url = "http://127.0.0.1:9"
    gone = session(tmp_path, target, mode="RANDOM_GETS", numTimes=5)
    assert [one.status for one in gone.requests] == [0] * 5


def test_an_experiment_is_created_and_timed(tmp_path: Path) -> None:
    target = SleepingTarget()
    found = session(tmp_path, target, mode="EXPERIMENT")
    assert target.experiments == [found.name]
    assert 0 < found.measures["create-experiment s"] < 1
    assert BY_MODE["EXPERIMENT"].keys() == found.measures.keys()
    assert len(found.timed) == 6


class Scheduling(SleepingTarget):
    """A target with the timer of the local engine. delay: seconds by which starting a run is slow."""

    def __init__(self, seconds: float, delay: float = 0) -> None:
        super().__init__(seconds)
        self.delay = delay

    def submit(self, parameters: Mapping[str, str]) -> str:
        run = super().submit(parameters)
        time.sleep(self.delay)
        return run

    def schedule(self, every: float, parameters: Mapping[str, str]) -> str:
        self.timer = LocalSchedule(every, lambda: self.submit(parameters), lambda run: self.ended[run].is_set())
        return "timer"

    def firings(self, schedule: str) -> Sequence[Firing]:
        return self.timer.firings()

    def stop(self, run: str) -> None:
        if run == "timer":
            self.timer.stop()
        super().stop(run)


def test_a_schedule_starts_runs_when_they_are_due(tmp_path: Path) -> None:
    target = Scheduling(0.02)
    found = session(tmp_path, target, mode="SCHEDULED_RUNS", intervalSeconds=0.3, allowMore=True)
    assert len(found.firings) == 6
    assert [run.run for run in found.runs] == [firing.run for firing in found.firings]
    due = [firing.due for firing in found.firings]
    assert [later - earlier for earlier, later in itertools.pairwise(due)] == pytest.approx([0.3] * 5)
    assert found.measures["lateness max s"] < 0.2
    assert found.measures["firings missed"] == found.measures["firings overlapping"] == 0
    assert found.verdict is Verdict.PASS
    assert BY_MODE["SCHEDULED_RUNS"].keys() == found.measures.keys()


def fired(tmp_path: Path, started: int, missed: int, **fields: object) -> PerfSession:
    """A session of a schedule that has started and missed so many runs."""

    class Fired(SleepingTarget):
        def schedule(self, every: float, parameters: Mapping[str, str]) -> str:
            self.told = [Firing(due=1.0, started=3.0, run=self.submit({})) for _ in range(started)]
            self.told += [Firing(due=2.0)] * missed
            return "timer"

        def firings(self, schedule: str) -> Sequence[Firing]:
            return self.told

    told = {"mode": "SCHEDULED_RUNS", "numTimes": started + missed or 5, "runTime": 1 / 120} | fields
    return session(tmp_path, Fired(), **told)


@pytest.mark.parametrize(
    ("missed", "most", "verdict"), [(1, 0.05, Verdict.REJECT), (1, 0.1, Verdict.PASS), (0, 0.0, Verdict.PASS)]
)
def test_missed_firings_are_judged_as_failed_runs_are(
    tmp_path: Path, missed: int, most: float, verdict: Verdict
) -> None:
    found = fired(tmp_path, 9, missed, maxErrorRate=most)
    assert (found.verdict, check(found, "firings")) == (verdict, verdict)
    (one,) = [one for one in found.checks if one.code == "firings"]
    assert one.message == f"{missed} of {9 + missed} firings {'was' if missed == 1 else 'were'} missed"


@pytest.mark.parametrize(("missed", "said"), [(0, "the schedule has not fired"), (3, "3 of 3 firings were missed")])
def test_a_schedule_that_starts_nothing_never_passes(tmp_path: Path, missed: int, said: str) -> None:
    found = fired(tmp_path, 0, missed, maxErrorRate=1, kind="smoke")
    (one,) = [one for one in found.checks if one.code == "firings"]
    assert (found.verdict, one.verdict, one.message) == (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, said)


@pytest.mark.parametrize(("most", "verdict"), [(1.5, Verdict.REJECT), (2.5, Verdict.PASS)])
def test_lateness_has_a_threshold(tmp_path: Path, most: float, verdict: Verdict) -> None:
    found = fired(tmp_path, 5, 0, thresholds={"lateness max s": most})
    assert (found.verdict, check(found, "lateness max s")) == (verdict, verdict)


def test_late_missed_and_overlapping_firings_are_seen(tmp_path: Path) -> None:
    late = session(tmp_path, Scheduling(0.02, delay=0.35), mode="SCHEDULED_RUNS", intervalSeconds=0.2, allowMore=True)
    assert late.measures["firings missed"] >= 1
    assert late.measures["lateness max s"] > 0.1
    overlapping = session(tmp_path, Scheduling(0.7), mode="SCHEDULED_RUNS", intervalSeconds=0.3, allowMore=True)
    assert overlapping.measures["firings overlapping"] >= 4
    assert overlapping.measures["firings missed"] == 0


def test_a_scheduled_session_ends_after_a_thousand_firings(tmp_path: Path) -> None:
    class Fired(SleepingTarget):
        """A schedule that has missed more than a thousand firings."""

        def schedule(self, every: float, parameters: Mapping[str, str]) -> str:
            return "timer"

        def firings(self, schedule: str) -> Sequence[Firing]:
            return [Firing(due=float(number)) for number in range(1005)]

    found = session(tmp_path, Fired(), mode="SCHEDULED_RUNS", numTimes=None, runTime=0.1)
    assert len(found.firings) == 1000
    assert found.notes == ["ended after 1,000 firings, before runTime was over: allowMore: true lifts this cap"]
    assert found.finished - found.started < 3


def test_the_size_of_a_data_set_shows_in_mib_a_second(tmp_path: Path) -> None:
    pipeline = tmp_path / "pipeline.yaml"
    found = {}
    for size in (10, 50):
        target = SleepingTarget(0.1)
        pipeline.write_text("dataset-mib")
        found[size] = _large(tmp_path, target, size)
        assert target.parameters[0] == {"dataset-mib": str(size)}
    assert {size: one.measures["throughput MiB/s"] for size, one in found.items()} == pytest.approx({10: 100, 50: 500})
    # more is better: the threshold is the smallest value that passes
    assert {size: check(one, "throughput MiB/s") for size, one in found.items()} == {
        10: Verdict.REJECT,
        50: Verdict.PASS,
    }
    (one,) = [one for one in found[10].checks if one.code == "throughput MiB/s"]
    assert one.message == "throughput MiB/s: 100, at least 300"


def _large(tmp_path: Path, target: SleepingTarget, size: int) -> PerfSession:
    from slipway_steps.domain.perf_scenario import PerfScenario
    from slipway_steps.perf.driver import run_session

    told = {"mode": "LARGE_DATASET", "pipelineFileName": "pipeline.yaml", "numTimes": 5, "datasetMiB": size}
    told["thresholds"] = {"throughput MiB/s": 300}
    scenario, pipeline = PerfScenario.model_validate(told), tmp_path / "pipeline.yaml"
    return run_session(scenario, target, directory=tmp_path / "perf", pipeline=pipeline, revision="")
