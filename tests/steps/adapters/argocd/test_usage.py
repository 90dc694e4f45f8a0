"""The usage of the pods of an environment on a cluster: by the pods themselves, and by metrics.k8s.io."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kube_server import Cluster, status
from kube_workloads import LABELS, pod, served

from slipway_steps.adapters.argocd.platform import KubernetesPlatform
from slipway_steps.adapters.kubernetes.api import Api
from slipway_steps.adapters.retry import RetryPolicy
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.verdict import Verdict, judge
from slipway_steps.release import resources
from slipway_steps.settings import Settings

STAGING = Environment.STAGING
METRICS = "/apis/metrics.k8s.io/v1beta1/namespaces/model-app-staging/pods"
MIB = 2**20


def platform() -> KubernetesPlatform:
    settings = Settings(platform="kubernetes")
    return KubernetesPlatform(settings, Api(settings, RetryPolicy(first_wait=0.0, longest_asked=0.0)))


class PodMetrics:
    """The /metrics of a pod: it uses `memory` bytes, a fifth of a core, and is throttled for a tenth of the time."""

    def __init__(self) -> None:
        self.memory = 100 * MIB
        self.status = 200
        self.began = time.monotonic()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                passed = time.monotonic() - outer.began
                text = (
                    "# HELP cgroup_memory_working_set_bytes Memory.\n"
                    f"cgroup_memory_working_set_bytes {float(outer.memory)}\n"
                    f"cgroup_cpu_seconds_total {passed / 5}\n"
                    f"cgroup_cpu_throttled_seconds_total {passed / 10}\n"
                    'http_requests_total{path="/predict",status="200"} 1.0\n'
                )
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *arguments: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def pod(self) -> dict[str, Any]:
        """A pod at the address of this server."""
        found = pod(ready=True)
        found["status"]["podIP"] = "127.0.0.1"
        found["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": self.http.server_port}]
        return found


@pytest.fixture
def app() -> Iterator[PodMetrics]:
    found = PodMetrics()
    yield found
    found.http.shutdown()
    found.http.server_close()


def metrics(at: datetime, memory: str = "100Mi", cpu: str = "120m") -> dict[str, Any]:
    containers = [
        {"name": "app", "usage": {"memory": memory, "cpu": cpu}},
        {"name": "proxy", "usage": {"memory": "1Gi", "cpu": "1"}},
    ]
    return {"metadata": {"name": "p-1", "labels": LABELS}, "timestamp": at.isoformat(), "containers": containers}


def test_a_pod_tells_its_usage_without_a_wait(cluster: Cluster, app: PodMetrics) -> None:
    served(cluster, app.pod())
    del cluster.lists[METRICS]
    found = platform()
    since = time.time()
    for _ in range(4):
        seen = found.measure(STAGING)
        time.sleep(0.25)
    assert seen.metrics_available
    assert len(seen.samples) == 3
    for sample in seen.samples:
        assert sample.memory_bytes == 100 * MIB
        assert sample.cpu_millicores == pytest.approx(200, rel=0.05)
        assert sample.throttled_percent == pytest.approx(10, rel=0.05)
    assert judge(resources.usage_checks(resources.Params(release="r"), seen, since)) is Verdict.PASS


def test_the_higher_of_two_meters_counts(cluster: Cluster, app: PodMetrics) -> None:
    served(cluster, app.pod())
    cluster.lists[METRICS] = [metrics(datetime(2026, 11, 21, 4, 1, tzinfo=UTC), memory="300Mi")]
    found = platform()
    since = time.time()
    for _ in range(4):
        seen = found.measure(STAGING)
        time.sleep(0.25)
    memory, *_ = resources.usage_checks(resources.Params(release="r"), seen, since)
    assert (memory.code, memory.measured, memory.verdict) == ("memory", 300.0, Verdict.REJECT)


def test_a_container_that_was_started_again_counts_from_zero(cluster: Cluster, app: PodMetrics) -> None:
    served(cluster, app.pod())
    found = platform()
    app.began -= 100
    found.measure(STAGING)
    app.began = time.monotonic()
    time.sleep(0.25)
    assert found.measure(STAGING).samples == []
    time.sleep(0.25)
    (sample,) = found.measure(STAGING).samples
    assert sample.cpu_millicores == pytest.approx(200, rel=0.05)


def test_one_reading_that_fails_loses_nothing(cluster: Cluster, app: PodMetrics) -> None:
    served(cluster, app.pod())
    del cluster.lists[METRICS]
    found = platform()
    for _ in range(3):
        seen = found.measure(STAGING)
        time.sleep(0.25)
    app.status = 503
    assert found.measure(STAGING).metrics_available
    assert found.measure(STAGING).samples == seen.samples != []


@pytest.mark.parametrize("code", [404, 500])
def test_a_pod_that_does_not_tell_is_measured_by_the_cluster(code: int, cluster: Cluster, app: PodMetrics) -> None:
    served(cluster, app.pod())
    app.status = code
    cluster.lists[METRICS] = [metrics(datetime(2026, 11, 21, 4, 1, tzinfo=UTC))]
    (sample,) = platform().measure(STAGING).samples
    assert (sample.cpu_millicores, sample.throttled_percent) == (120.0, None)


def test_watching_an_environment_measures_nothing(cluster: Cluster, app: PodMetrics) -> None:
    """Outside of the cluster the addresses of pods lead nowhere."""
    served(cluster, app.pod())
    app.http.shutdown()
    started = time.monotonic()
    assert platform().observe(STAGING).samples == []
    assert time.monotonic() - started < 1
    assert not [asked for asked in cluster.requests if "metrics" in asked]


def test_usage_gathers_from_call_to_call(cluster: Cluster) -> None:
    served(cluster, pod(ready=True))
    found = platform()
    for minute in (1, 1, 2, 3):
        cluster.lists[METRICS] = [metrics(datetime(2026, 11, 21, 4, minute, tzinfo=UTC))]
        seen = found.measure(STAGING)
    assert seen.metrics_available
    assert [sample.memory_bytes for sample in seen.samples] == [100 * MIB] * 3
    assert [(sample.cpu_millicores, sample.throttled_percent) for sample in seen.samples] == [(120.0, None)] * 3


def test_usage_of_a_pod_before_this_one_does_not_count(cluster: Cluster) -> None:
    served(cluster, pod(ready=True))
    cluster.lists[METRICS] = [metrics(datetime(2026, 11, 21, 2, 0, tzinfo=UTC))]
    assert platform().measure(STAGING).samples == []


def test_a_cluster_without_metrics_is_told_apart(cluster: Cluster) -> None:
    served(cluster, pod(ready=True))
    del cluster.lists[METRICS]
    assert not platform().measure(STAGING).metrics_available


def test_a_metrics_server_that_is_away_is_waited_for(cluster: Cluster) -> None:
    served(cluster, pod(ready=True))
    cluster.faults = [("GET", "metrics.k8s.io", status(503)) for _ in range(20)]
    assert platform().measure(STAGING).metrics_available
