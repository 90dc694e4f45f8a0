"""Shares of real requests through a real Envoy."""

import math
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
import requests

from slipway_steps.adapters.envoy import traffic as traffic_module
from slipway_steps.adapters.envoy.traffic import EnvoyTraffic
from slipway_steps.adapters.local.state import Status
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.pods import ContainerState, Pod
from slipway_steps.domain.traffic import Share
from slipway_steps.settings import Settings

NAMES = (Environment.PRODUCTION, Environment.CANARY)


class Backend(ThreadingHTTPServer):
    """Says its name, and counts who asked."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str) -> None:
        self.name, self.hosts = name, Counter[str]()
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Backend

    def do_GET(self) -> None:
        self.server.hosts[self.headers["Host"]] += 1
        body = self.server.name.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def tell(home: Path, name: Environment, port: int) -> None:
    """What the supervisor of an environment writes."""
    directory = home / "environments" / name.value
    directory.mkdir(parents=True, exist_ok=True)
    state = ContainerState(kind="running")
    pod = Pod(name="p", phase="Running", ready=True, restarts=0, digest="sha256:0", state=state)
    Status(observed_generation=1, port=port, pod=pod).write(directory / "status.json")


@pytest.fixture
def backends(tmp_path: Path) -> Iterator[dict[Environment, Backend]]:
    found = {name: Backend(name.value) for name in NAMES}
    for name, server in found.items():
        tell(tmp_path, name, server.server_address[1])
    yield found
    for server in found.values():
        server.shutdown()
        server.server_close()


@pytest.fixture
def traffic(tmp_path: Path, backends: dict[Environment, Backend]) -> Iterator[EnvoyTraffic]:
    made = EnvoyTraffic(Settings(home=tmp_path))
    yield made
    made.stop()
    until(lambda: processes(tmp_path) == [])


def processes(home: Path) -> list[psutil.Process]:
    """The supervisor of the gateway, and its Envoy."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        with suppress(psutil.Error):
            if process.info["cwd"] == str(home / "gateway") and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def one(home: Path, program: str) -> psutil.Process:
    return next(process for process in processes(home) if program in " ".join(process.cmdline()))


def until(told: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not told():
        assert time.monotonic() < end
        time.sleep(0.02)


def ask(traffic: EnvoyTraffic, number: int) -> Counter[str]:
    with requests.Session() as session:
        return Counter(session.get(f"{traffic.url()}/x", timeout=5).text for _ in range(number))


def test_before_the_first_change_there_is_no_gateway(tmp_path: Path) -> None:
    made = EnvoyTraffic(Settings(home=tmp_path))
    assert made.share() == Share()
    assert made.url() == ""
    made.stop()
    assert list(tmp_path.iterdir()) == [], "reading writes nothing"


def test_the_canary_gets_its_share(traffic: EnvoyTraffic) -> None:
    traffic.set_share(Share())
    assert ask(traffic, 100) == {"production": 100}
    traffic.set_share(Share(percent=10))
    number = 400
    share = ask(traffic, number)["canary"] / number
    assert abs(share - 0.1) <= 3 * math.sqrt(0.1 * 0.9 / number)
    assert traffic.share() == Share(percent=10)
    traffic.set_share(Share(percent=100))
    assert ask(traffic, 100) == {"canary": 100}


def test_no_request_fails_while_shares_change(traffic: EnvoyTraffic) -> None:
    traffic.set_share(Share())
    statuses: Counter[int] = Counter()
    ends = threading.Event()

    def users() -> None:
        with requests.Session() as session:
            while not ends.is_set():
                statuses[session.get(f"{traffic.url()}/x", timeout=5).status_code] += 1

    threads = [threading.Thread(target=users) for _ in range(3)]
    for thread in threads:
        thread.start()
    for percent in (5, 10, 25, 50, 0, 10, 50, 100, 0):
        before = sum(statuses.values())
        traffic.set_share(Share(percent=percent))
        until(lambda before=before: sum(statuses.values()) >= before + 50)
    ends.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}


def test_mirrored_requests_reach_the_canary_and_answers_come_from_production(
    traffic: EnvoyTraffic, backends: dict[Environment, Backend]
) -> None:
    traffic.set_share(Share(mirror=20))
    assert ask(traffic, 200) == {"production": 200}
    until(lambda: sum(backends[Environment.CANARY].hosts.values()) > 15)
    assert all("-shadow" in host for host in backends[Environment.CANARY].hosts)


@pytest.mark.parametrize("program", ["_bin/envoy", "envoy.supervisor"])
def test_what_is_killed_comes_back_with_the_same_share(traffic: EnvoyTraffic, tmp_path: Path, program: str) -> None:
    traffic.set_share(Share(percent=100))
    victim = one(tmp_path, program)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait(10)
    traffic.set_share(Share(percent=100))
    assert ask(traffic, 20) == {"canary": 20}
    until(lambda: len(processes(tmp_path)) == 2)


def test_a_damaged_route_file_changes_nothing_and_the_next_share_mends_it(
    traffic: EnvoyTraffic, tmp_path: Path
) -> None:
    traffic.set_share(Share(percent=100))
    for text in ("{", '{"resources": [{"@type": "no.such.type"}]}', ""):
        bad = tmp_path / "gateway" / "bad"
        bad.write_text(text)
        bad.replace(tmp_path / "gateway" / "routes.json")
        time.sleep(0.2)  # Envoy reads it at once
        assert ask(traffic, 10) == {"canary": 10}
    traffic.set_share(Share(percent=0))
    assert ask(traffic, 10) == {"production": 10}


def test_a_damaged_spec_keeps_the_share_and_is_told_once(traffic: EnvoyTraffic, tmp_path: Path) -> None:
    traffic.set_share(Share(percent=100))
    spec, log = tmp_path / "gateway" / "spec.json", tmp_path / "gateway" / "supervisor.log"
    whole = spec.read_text()
    spec.write_text("{")
    until(lambda: "is damaged" in log.read_text())
    time.sleep(0.5)
    assert log.read_text().count("is damaged") == 1
    spec.write_text(whole)
    assert ask(traffic, 10) == {"canary": 10}


def test_an_app_that_starts_anew_on_another_port_is_found(
    traffic: EnvoyTraffic, tmp_path: Path, backends: dict[Environment, Backend]
) -> None:
    traffic.set_share(Share(percent=100))
    again = Backend("canary again")
    tell(tmp_path, Environment.CANARY, again.server_address[1])
    until(lambda: ask(traffic, 1) == {"canary again": 1})
    again.shutdown()
    again.server_close()


def test_several_that_change_it_at_once_end_with_one_share(traffic: EnvoyTraffic) -> None:
    threads = [threading.Thread(target=traffic.set_share, args=[Share(percent=p)]) for p in (100, 0) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = "canary" if traffic.share().percent else "production"
    assert ask(traffic, 20) == {wanted: 20}


def test_a_port_that_somebody_else_has_taken_is_left_to_them(traffic: EnvoyTraffic, tmp_path: Path) -> None:
    traffic.set_share(Share(percent=100))
    address = traffic.url()
    traffic.stop()
    assert traffic.url() == ""
    with ThreadingHTTPServer(("127.0.0.1", int(address.rpartition(":")[2])), Answer):
        traffic.set_share(Share(percent=100))
        assert traffic.url() != address
        assert ask(traffic, 5) == {"canary": 5}


def test_without_envoy_it_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic_module, "envoy", lambda: None)
    with pytest.raises(PlatformError, match=r"Envoy, which is not installed .*slipway\[traffic\]"):
        EnvoyTraffic(Settings(home=tmp_path)).set_share(Share(percent=10))
    assert list(tmp_path.iterdir()) == []
