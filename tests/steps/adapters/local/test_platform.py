"""Environments on one machine: real processes, real limits, real HTTP; the app here is a few lines that misbehave."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.local.state import Spec, Status
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment, service_host
from slipway_steps.domain.errors import BadInput, PlatformError
from slipway_steps.settings import Settings

STAGING = Environment.STAGING
SERVER = """
import http.server, os, signal, sys
{before}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write({name!r}.encode())
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
BEHAVIOURS = {
    "healthy": "",
    "other": "",
    "crash": "sys.exit('error: no')",
    "greedy": "x = bytearray(400 * 2**20)\nfor i in range(0, len(x), 4096): x[i] = 1",
    "busy": "import threading\ndef spin():\n while True: pass\nthreading.Thread(target=spin, daemon=True).start()",
    "stubborn": "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "curious": "open('/proc/self/environ').read()\nprint(sorted(os.environ), flush=True)",
}


class Files:
    """An image store of one file an image; the digest is the behaviour's name."""

    def unpack(self, digest: str, target: Path) -> Path:
        name = digest.removeprefix("sha256:")
        (target / "app").mkdir(parents=True, exist_ok=True)
        (target / "app" / "serve.py").write_text(SERVER.format(before=BEHAVIOURS[name], name=name))
        return target

    def config(self, digest: str) -> dict[str, Any]:
        return {"config": {"Entrypoint": ["python", "/app/serve.py"]}}


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[LocalPlatform]:
    found = LocalPlatform(Settings(home=tmp_path / "home of mine"), Files())
    yield found
    for environment in Environment:
        found.down(environment)


def deploy(platform: LocalPlatform, name: str) -> None:
    platform.deploy(STAGING, Candidate(version="1", digest=f"sha256:{name}"))


def until(said: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def running(platform: LocalPlatform) -> bool:
    return platform.status(STAGING).phase == "Running"


def supervisor(platform: LocalPlatform) -> int:
    status = Status.read(platform.home / "environments" / "staging" / "status.json")
    assert status is not None
    return status.supervisor


def lives(pid: int) -> bool:
    """Whether a process still runs; one that ended and was not waited for yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def asked(platform: LocalPlatform) -> str:
    return requests.get(platform.url(service_host("model-app", STAGING)), timeout=5).text


def test_it_serves_switches_and_keeps_its_address(platform: LocalPlatform) -> None:
    assert platform.status(STAGING).phase == "Empty"
    deploy(platform, "healthy")
    until(lambda: running(platform))
    url, first = platform.status(STAGING).url, platform.observe(STAGING).pods[0]
    deploy(platform, "healthy")
    assert platform.observe(STAGING).pods[0].name == first.name, "the same deployed twice is another pod"
    deploy(platform, "other")
    until(lambda: running(platform))
    assert asked(platform) == "other"
    assert platform.status(STAGING).url == url
    assert platform.observe(STAGING).pods[0].name != first.name
    roots = list((platform.home / "environments" / "staging" / "rootfs").iterdir())
    assert [path.name for path in roots] == ["other"]
    platform.empty(STAGING)
    platform.empty(STAGING)
    assert platform.status(STAGING).phase == "Empty"
    assert platform.observe(STAGING).pods == []
    with pytest.raises(requests.ConnectionError):
        requests.get(str(url), timeout=2)


def test_a_changed_limit_makes_a_new_pod(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    names = [platform.observe(STAGING).pods[0].name]
    for limit in ({"memory_limit_mib": 200}, {"memory_limit_mib": 200, "cpu_limit_millicores": 400}):
        changed = LocalPlatform(platform.settings.model_copy(update=limit), Files())
        deploy(changed, "healthy")
        until(lambda: running(platform))
        names.append(changed.observe(STAGING).pods[0].name)
        deploy(changed, "healthy")
        assert changed.observe(STAGING).pods[0].name == names[-1], "the same limits twice made another pod"
    assert len(set(names)) == 3, "the limits changed, the pod did not"


@pytest.mark.parametrize("enforced_by", ["cgroup", "watchdog"])
def test_memory_is_really_limited(platform: LocalPlatform, enforced_by: str) -> None:
    if enforced_by == "watchdog":
        platform.settings = platform.settings.model_copy(update={"limits": "watchdog"})
    deploy(platform, "greedy")
    until(lambda: platform.observe(STAGING).pods[0].restarts >= 1)
    until(lambda: platform.observe(STAGING).pods[0].last_state)
    status = Status.read(platform.home / "environments" / "staging" / "status.json")
    assert status is not None
    if status.enforced_by != enforced_by:
        pytest.skip("no cgroup can be made on this machine")
    pod = platform.observe(STAGING).pods[0]
    assert pod.last_state is not None
    assert (pod.last_state.reason, pod.last_state.exit_code) == ("OOMKilled", 137)
    assert not pod.ready


@pytest.mark.parametrize("enforced_by", ["cgroup", "watchdog"])
def test_cpu_is_really_limited(platform: LocalPlatform, enforced_by: str) -> None:
    if enforced_by == "watchdog":
        platform.settings = platform.settings.model_copy(update={"limits": "watchdog"})
    deploy(platform, "busy")
    until(lambda: len(platform.observe(STAGING).samples) >= 4)
    samples = platform.observe(STAGING).samples[1:]
    mean = sum(sample.cpu_millicores for sample in samples) / len(samples)
    assert mean < 620
    # on a busy machine it may not even get its half core, and then nothing has to hold it back
    if mean > 450:
        assert max(sample.throttled_percent for sample in samples) > 0


def test_a_crash_is_a_crash_loop_with_backoff(platform: LocalPlatform) -> None:
    deploy(platform, "crash")
    until(lambda: platform.observe(STAGING).pods[0].restarts >= 2)
    until(lambda: platform.status(STAGING).phase == "CrashLoopBackOff")
    pod = platform.observe(STAGING).pods[0]
    assert pod.last_state is not None
    assert (pod.last_state.reason, pod.last_state.exit_code) == ("Error", 1)
    assert "error: no" in platform.log_path(STAGING).read_text()
    deploy(platform, "healthy")
    until(lambda: running(platform))


def test_a_stubborn_app_is_killed(platform: LocalPlatform) -> None:
    deploy(platform, "stubborn")
    until(lambda: running(platform))
    platform.down(STAGING)
    assert platform.status(STAGING).phase == "Stopped"
    until(lambda: not lives(supervisor(platform)))


def test_a_dead_supervisor_takes_its_app_along_and_is_replaced(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    url = str(platform.status(STAGING).url)
    os.kill(supervisor(platform), signal.SIGKILL)
    until(lambda: platform.status(STAGING).phase == "Unknown")
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=2)
    deploy(platform, "healthy")
    until(lambda: running(platform))
    os.kill(supervisor(platform), signal.SIGKILL)
    until(lambda: platform.status(STAGING).phase == "Unknown")
    platform.observe(STAGING)
    until(lambda: running(platform))


def test_a_deployment_brings_back_what_other_environments_lost(platform: LocalPlatform) -> None:
    """As after a restart of the machine, where nothing asks for production; what a person stopped stays stopped."""
    for environment in Environment:
        platform.deploy(environment, Candidate(version="1", digest="sha256:healthy"))
    platform.down(Environment.CANARY)
    status = Status.read(platform.home / "environments" / "production" / "status.json")
    assert status is not None
    os.kill(status.supervisor, signal.SIGKILL)
    until(lambda: platform.status(Environment.PRODUCTION).phase == "Unknown")
    deploy(platform, "other")
    until(lambda: platform.status(Environment.PRODUCTION).phase == "Running")
    assert platform.status(Environment.CANARY).phase == "Stopped"
    platform.ensure(Environment.CANARY, stopped=True)
    until(lambda: platform.status(Environment.CANARY).phase == "Running")


def test_a_port_in_use_is_survived(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    platform.down(STAGING)
    spec = Spec.read(platform.home / "environments" / "staging" / "spec.json")
    assert spec is not None
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", spec.port))
        taken.listen()
        deploy(platform, "healthy")
        until(lambda: running(platform))
        assert asked(platform) == "healthy"


def test_no_secret_of_the_deployer_reaches_the_app(platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    deploy(platform, "curious")
    until(lambda: running(platform))
    assert "AWS" not in platform.log_path(STAGING).read_text()


def test_down_keeps_what_is_wanted(platform: LocalPlatform) -> None:
    platform.down(STAGING)
    deploy(platform, "healthy")
    platform.down(STAGING)
    platform.down(STAGING)
    assert platform.deployed(STAGING) is not None
    assert platform.status(STAGING).version == "1"


def test_hosts(platform: LocalPlatform) -> None:
    assert platform.url("example.org:80") == "http://example.org:80"
    assert platform.url("https://example.org/") == "https://example.org"
    for garbage in ("", "a b", "file:///etc/passwd", "-x", "a:b:c"):
        with pytest.raises(BadInput):
            platform.url(garbage)


def test_damaged_and_unwritable_state_is_said(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    (platform.home / "environments" / "staging" / "spec.json").write_text("{")
    with pytest.raises(PlatformError, match="damaged"):
        platform.status(STAGING)
    (platform.home / "environments" / "staging" / "spec.json").unlink()
    canary = platform.home / "environments" / "canary"
    canary.write_text("a file where a directory should be")
    with pytest.raises(PlatformError, match="canary"):
        platform.deploy(Environment.CANARY, Candidate(version="1", digest="sha256:healthy"))
    canary.unlink()
    deploy(platform, "healthy")
