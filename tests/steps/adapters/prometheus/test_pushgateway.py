"""What a Pushgateway gets of a session: by a server that reads the exposition format, and by the real one."""

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from steps.adapters.prometheus.sessions import pushed, session

from slipway_steps.adapters.prometheus.pushgateway import push
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.perf_session import RunOutcome, RunSample
from slipway_steps.domain.verdict import Verdict

GATEWAY = shutil.which("prometheus-pushgateway")


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (one.name, *(value for key, value in sorted(one.labels.items()) if key not in ("instance", "job"))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_metrics_by_quantile_and_nothing_that_was_not_measured() -> None:
    found = samples(pushed(session(1, 2, 3)))
    assert found["slipway_perf_run", "end-to-end", "0.5"] == 2
    assert found["slipway_perf_run", "end-to-end", "0.95"] == 3, "a failed run is not timed"
    assert found["slipway_perf_run", "cpu", "0.5"] == 1.5
    assert not [key for key in found if "memory" in key]
    assert found["slipway_perf_runs", "succeeded"] == 3
    assert found["slipway_perf_runs", "failed"] == 1
    assert found["slipway_perf_verdict", "pass"] == 1
    assert found["slipway_perf_verdict", "reject"] == 0
    assert found["slipway_perf_measure", "throughput MiB/s"] == 25
    assert found["slipway_perf_finished_timestamp_seconds",] == 1795255200


@pytest.mark.parametrize("url", ["http://127.0.0.1:9x", "http://[::1", "http://user:hunter2@127.0.0.1:9"])
def test_an_address_that_is_none_is_one_line_without_its_password(url: str) -> None:
    with pytest.raises(PlatformError, match="SLIPWAY_PUSHGATEWAY_URL") as raised:
        push(url, session())
    assert "hunter2" not in str(raised.value)


def test_a_run_that_could_not_be_asked_for_has_not_failed() -> None:
    given = session(1, 2, 3)
    broken = [RunSample(run="", started=at, outcome=RunOutcome.BROKEN) for at in (20, 21)]
    found = samples(pushed(given.model_copy(update={"runs": [*given.runs, *broken], "requests": []})))
    assert found["slipway_perf_error_ratio",] == 0.25
    assert found["slipway_perf_runs", "broken"] == 2
    away = samples(pushed(given.model_copy(update={"runs": broken, "requests": []})))
    assert ("slipway_perf_error_ratio",) not in away


def test_a_gateway_that_is_away_is_one_line() -> None:
    with pytest.raises(PlatformError) as raised:
        push("http://127.0.0.1:9", session())
    assert "\n" not in str(raised.value)


@pytest.fixture
def gateway() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen([str(GATEWAY), f"--web.listen-address={address}"], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://{address}/-/ready", timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.skipif(not GATEWAY, reason="prometheus-pushgateway is not installed (apt install prometheus-pushgateway)")
def test_the_real_gateway_takes_it_and_a_later_session_replaces_it(gateway: str) -> None:
    def held() -> dict[tuple[str, ...], float]:
        with urllib.request.urlopen(f"{gateway}/metrics", timeout=5) as answer:
            return samples(answer.read().decode())

    push(gateway, session(1, 2, 3))
    assert held()["slipway_perf_run", "end-to-end", "0.5", "training.yaml", "argo"] == 2
    push(gateway, session(7, 8, 9, verdict=Verdict.REJECT))
    found = held()
    assert found["slipway_perf_run", "end-to-end", "0.5", "training.yaml", "argo"] == 8
    assert found["slipway_perf_verdict", "training.yaml", "argo", "reject"] == 1
