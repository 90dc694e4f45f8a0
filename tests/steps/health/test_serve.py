"""The health over real HTTP."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.health import ComponentHealth, HealthReport, HealthState
from slipway_steps.health.serve import HealthServer, make_http_server


class Installation:
    """What the server checks, and how often it did."""

    def __init__(self) -> None:
        self.state, self.checks = HealthState.HEALTHY, 0
        self.server = HealthServer(self.check, kept=0.5)

    def check(self) -> HealthReport:
        self.checks += 1
        time.sleep(0.05)
        one = ComponentHealth(component="registry", state=self.state, message="fine", seconds=0.006)
        return HealthReport(checked=1e9, components=[one])


@pytest.fixture
def installation() -> Installation:
    return Installation()


@pytest.fixture
def url(installation: Installation) -> Iterator[str]:
    with make_http_server(installation.server, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_report_is_json_and_unhealthy_is_503(installation: Installation, url: str) -> None:
    answer = requests.get(f"{url}/health", timeout=5)
    assert (answer.status_code, answer.json()["overall"]) == (200, "healthy")
    assert answer.json()["components"][0]["component"] == "registry"
    installation.state = HealthState.UNHEALTHY
    assert requests.get(f"{url}/health", timeout=5).status_code == 200, "a report is kept for a while"
    time.sleep(0.6)
    assert requests.get(f"{url}/health", timeout=5).status_code == 503


def test_prometheus_reads_it(url: str) -> None:
    text = requests.get(f"{url}/metrics", timeout=5).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {sample.name: (sample.labels, sample.value) for sample in samples}
    assert found["slipway_health_state"] == ({"component": "registry"}, 2)
    assert found["slipway_health_seconds"] == ({"component": "registry"}, 0.006)


def test_many_that_ask_at_once_are_one_check(installation: Installation, url: str) -> None:
    installation.server.kept = 60
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: requests.get(f"{url}/metrics", timeout=30).status_code, range(20)))
    assert found == [200] * 20
    assert installation.checks == 1


def test_the_probes_of_kubernetes(installation: Installation, url: str) -> None:
    assert requests.get(f"{url}/livez", timeout=5).status_code == 200
    assert installation.checks == 0, "whether this process lives says nothing of MLflow"
    installation.state = HealthState.UNHEALTHY
    assert requests.get(f"{url}/readyz", timeout=5).status_code == 200, "it can answer, and says that all is bad"


def test_anything_else_is_refused(url: str) -> None:
    assert requests.get(f"{url}/other", timeout=5).status_code == 404
    assert requests.post(f"{url}/health", timeout=5).status_code == 405
    assert requests.head(f"{url}/livez", timeout=5).content == b""


def test_a_taken_port_is_one_line(url: str, installation: Installation) -> None:
    with pytest.raises(BadInput, match="cannot be bound"):
        make_http_server(installation.server, "127.0.0.1", int(url.rpartition(":")[2]))
