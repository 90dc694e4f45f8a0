"""What goes wrong around an app on one machine, and must not be called by a wrong name or take anything along."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from slipway_steps.adapters.local.environment_status import lock_is_held
from slipway_steps.adapters.local.orphan_cleanup import label_of
from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.local.state import Spec, Status
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment, service_host
from slipway_steps.domain.errors import ImageError
from slipway_steps.settings import Settings

STAGING = Environment.STAGING
SERVER = """
import http.server, os, signal, subprocess, sys, threading, time
{before}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if os.path.exists(self.path.strip("/")) else 200); self.end_headers()
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
EAT = "x = bytearray(400 * 2**20)\\nfor i in range(0, len(x), 4096): x[i] = 1"
BEHAVIOURS = {
    "healthy": "",
    "crash": "sys.exit('error: no')",
    "greedy": f"exec('''{EAT}''')",
    "greedy-child": f"subprocess.run([sys.executable, '-c', '''{EAT}'''])",
    "greedy-child-then-crash": f"subprocess.run([sys.executable, '-c', '''{EAT}''']); sys.exit('error: other')",
    "talkative": "threading.Thread(target=lambda: [print('x' * 1000) for _ in range(20000)], daemon=True).start()",
    "greedy-family": f"subprocess.run([sys.executable, '-c', '''{EAT}\\nimport time; time.sleep(60)'''])",
    "reads-files": "open('big', 'wb').write(bytes(200 * 2**20)); time.sleep(1); len(open('big', 'rb').read(10))",
    "parent": "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])",
}
DEPLOYS = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("faults", sys.argv[1])
faults = importlib.util.module_from_spec(spec)
spec.loader.exec_module(faults)
faults.deploy(faults.LocalPlatform(faults.Settings(home=pathlib.Path(sys.argv[2])), faults.Files()), sys.argv[3])
"""


class Files:
    """An image store of one file an image; the digest is the behaviour's name."""

    def unpack(self, digest: str, target: Path) -> Path:
        name = digest.removeprefix("sha256:")
        (target / "app").mkdir(parents=True, exist_ok=True)
        (target / "app" / "serve.py").write_text(SERVER.format(before=BEHAVIOURS[name]))
        return target

    def config(self, digest: str) -> dict[str, Any]:
        return {"config": {"Entrypoint": ["python", "/app/serve.py"]}}


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[LocalPlatform]:
    found = LocalPlatform(Settings(home=tmp_path / "home"), Files())
    yield found
    found.down(STAGING)
    assert not groups(found), "control groups were left behind"


def deploy(platform: LocalPlatform, name: str) -> None:
    platform.deploy(STAGING, Candidate(version="1", digest=f"sha256:{name}"))


def until(said: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def files(platform: LocalPlatform) -> Path:
    return platform.home / "environments" / "staging"


def status(platform: LocalPlatform) -> Status:
    found = Status.read(files(platform) / "status.json")
    assert found is not None
    return found


def running(platform: LocalPlatform) -> bool:
    return platform.status(STAGING).phase == "Running"


def groups(platform: LocalPlatform) -> list[Path]:
    """Control groups of staging, wherever they are."""
    label = label_of(files(platform))
    return [Path(at) for at, _, _ in os.walk("/sys/fs/cgroup") if Path(at).name.startswith(label)]


def app(platform: LocalPlatform) -> psutil.Process:
    return psutil.Process(status(platform).supervisor).children()[0]


def kill_supervisor(platform: LocalPlatform) -> None:
    os.kill(status(platform).supervisor, signal.SIGKILL)
    until(lambda: platform.status(STAGING).phase == "Unknown")


def gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_an_oom_kill_is_seen_in_the_state_and_then_in_the_last_state(platform: LocalPlatform) -> None:
    deploy(platform, "greedy")
    until(lambda: platform.observe(STAGING).pods[0].state.reason == "OOMKilled")
    assert platform.status(STAGING).phase == "OOMKilled"
    until(lambda: platform.observe(STAGING).pods[0].last_state)
    last = platform.observe(STAGING).pods[0].last_state
    assert last is not None
    assert (last.reason, last.exit_code) == ("OOMKilled", 137)
    peak = platform.observe(STAGING).peak_memory_bytes
    assert peak is not None
    assert peak >= 256 * 2**20


def test_a_crash_is_not_called_an_oom_kill_because_a_child_was_killed(platform: LocalPlatform) -> None:
    deploy(platform, "greedy-child-then-crash")
    until(lambda: platform.observe(STAGING).pods[0].last_state)
    pod = platform.observe(STAGING).pods[0]
    assert pod.last_state is not None
    if status(platform).enforced_by != "cgroup":
        pytest.skip("the watchdog kills parent and child together")
    assert (pod.last_state.reason, pod.last_state.exit_code) == ("Error", 1)
    assert pod.last_state.message.endswith("error: other")


def test_an_oom_kill_of_a_killed_supervisors_pod_is_not_held_against_the_next(platform: LocalPlatform) -> None:
    deploy(platform, "greedy-child")
    if status(platform).enforced_by == "cgroup":  # the watchdog kills parent and child together
        until(lambda: running(platform))
    kill_supervisor(platform)
    deploy(platform, "crash")
    until(lambda: platform.observe(STAGING).pods[0].last_state)
    last = platform.observe(STAGING).pods[0].last_state
    assert last is not None
    assert (last.reason, last.exit_code) == ("Error", 1)


def test_down_removes_what_a_killed_supervisor_left(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    served = app(platform)
    kill_supervisor(platform)
    platform.down(STAGING)
    assert not groups(platform)
    assert gone(served)


def test_what_the_app_started_ends_with_it(platform: LocalPlatform) -> None:
    deploy(platform, "parent")
    until(lambda: running(platform))
    (child,) = app(platform).children()
    app(platform).kill()
    until(lambda: gone(child))


def test_under_the_watchdog_a_child_counts_towards_the_limit(platform: LocalPlatform) -> None:
    platform.settings = platform.settings.model_copy(update={"limits": "watchdog"})
    deploy(platform, "greedy-family")
    until(lambda: platform.observe(STAGING).pods[0].state.reason == "OOMKilled")


def test_file_cache_is_not_called_memory_in_use(platform: LocalPlatform) -> None:
    deploy(platform, "reads-files")
    until(lambda: running(platform))
    until(lambda: platform.observe(STAGING).samples)
    peak = platform.observe(STAGING).peak_memory_bytes
    assert peak is not None
    assert peak < 150 * 2**20


def test_an_app_that_stops_being_ready_is_not_called_ready(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    asked = next((files(platform) / "rootfs").iterdir()) / "app" / "readyz"
    asked.touch()
    until(lambda: not platform.observe(STAGING).pods[0].ready)
    assert platform.observe(STAGING).pods[0].restarts == 0
    asked.unlink()
    until(lambda: running(platform))


def test_a_hung_app_does_not_hold_up_its_replacement(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    os.kill(app(platform).pid, signal.SIGSTOP)
    time.sleep(0.5)
    began = time.monotonic()
    deploy(platform, "crash")
    assert time.monotonic() - began < 30, "a stopped process never ends by itself"
    until(lambda: platform.observe(STAGING).pods[0].state.reason == "Error")


def test_a_chatty_app_does_not_fill_the_disk(platform: LocalPlatform) -> None:
    deploy(platform, "talkative")
    log = platform.log_path(STAGING)
    until((log.parent / "app.log.1").exists)
    assert log.stat().st_size < 20 * 2**20


def test_a_log_that_cannot_be_written_takes_nothing_along(platform: LocalPlatform) -> None:
    files(platform).mkdir(parents=True)
    for name in ("supervisor.log", "app.log"):
        (files(platform) / name).symlink_to("/dev/full")
    deploy(platform, "healthy")
    until(lambda: running(platform))
    app(platform).kill()
    until(lambda: platform.observe(STAGING).pods[0].restarts == 1)
    until(lambda: running(platform))


def test_a_damaged_spec_is_complained_of_once(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    spec = (files(platform) / "spec.json").read_text()
    (files(platform) / "spec.json").write_text("{")
    time.sleep(1)
    assert (files(platform) / "supervisor.log").read_text().count("or is damaged") == 1
    (files(platform) / "spec.json").write_text(spec)
    assert running(platform)


@pytest.mark.parametrize("damage", ["{", None])
def test_an_environment_whose_spec_is_damaged_or_lost_can_be_stopped_and_used_again(
    platform: LocalPlatform, damage: str | None
) -> None:
    deploy(platform, "healthy")
    until(lambda: running(platform))
    served, spec = app(platform), files(platform) / "spec.json"
    spec.unlink()
    if damage:
        spec.write_text(damage)
        platform.down(STAGING)
        assert gone(served)
        spec.unlink()
    deploy(platform, "parent")
    until(lambda: running(platform))
    assert platform.observe(STAGING).pods[0].digest == "sha256:parent"
    assert gone(served)


def test_looking_at_a_lock_is_not_holding_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    assert not lock_is_held(tmp_path / "none")
    code = "import sys; from pathlib import Path\n"
    code += "from slipway_steps.adapters.local.environment_status import lock_is_held as h\n"
    code += "print(sum(h(Path(sys.argv[1])) for _ in range(20000)))"
    lookers = [
        subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [looker.communicate()[0].strip() for looker in lookers] == ["0", "0"]
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert lock_is_held(lock)


def test_several_at_once_leave_one_whole_deployment(platform: LocalPlatform) -> None:
    command = [sys.executable, "-c", DEPLOYS, __file__, str(platform.home)]
    deploying = [subprocess.Popen([*command, name]) for name in ("healthy", "parent", "healthy")]
    assert [process.wait(60) for process in deploying] == [0, 0, 0]
    until(lambda: running(platform))
    spec = Spec.read(files(platform) / "spec.json")
    assert spec is not None
    assert spec.candidate is not None
    assert platform.observe(STAGING).pods[0].digest == spec.candidate.digest
    supervisors = [p for p in psutil.process_iter(["cmdline"]) if str(files(platform)) in (p.info["cmdline"] or [])]
    assert len(supervisors) == 1


def test_a_run_that_prints_into_a_pipe_ends(platform: LocalPlatform) -> None:
    command = [sys.executable, "-c", DEPLOYS, __file__, str(platform.home), "healthy"]
    subprocess.run(command, capture_output=True, check=True, timeout=20)  # waits until the last writer has closed it
    until(lambda: running(platform))


def test_the_address_is_found_however_the_host_is_written(platform: LocalPlatform) -> None:
    deploy(platform, "healthy")
    host = service_host("model-app", STAGING)
    url = platform.url(host)
    assert url == platform.status(STAGING).url
    assert platform.url(f"http://{host}/") == url
    assert platform.url(host.removesuffix(":8000")) == url
    spec = Spec.read(files(platform) / "spec.json")
    assert spec is not None
    assert spec.port < 32768, "a port that the kernel gives to outgoing connections may be gone after a restart"


def test_a_digest_is_no_way_out_of_the_environment(platform: LocalPlatform) -> None:
    with pytest.raises(ImageError):
        deploy(platform, "../../../elsewhere")
