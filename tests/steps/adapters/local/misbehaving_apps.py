"""Small apps that misbehave, deployed to staging on this machine; run as a program, it deploys one of them."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from slipway_steps.adapters.local.orphan_cleanup import label_of
from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.local.state import Status
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
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
DEPLOYS = [sys.executable, __file__]
"""A command that deploys the app of this name, its second argument, on the home that is its first."""


class Files:
    """An image store of one file an image; the digest is the behaviour's name."""

    def unpack(self, digest: str, target: Path) -> Path:
        name = digest.removeprefix("sha256:")
        (target / "app").mkdir(parents=True, exist_ok=True)
        (target / "app" / "serve.py").write_text(SERVER.format(before=BEHAVIOURS[name]))
        return target

    def config(self, digest: str) -> dict[str, Any]:
        return {"config": {"Entrypoint": ["python", "/app/serve.py"]}}


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


if __name__ == "__main__":
    deploy(LocalPlatform(Settings(home=Path(sys.argv[1])), Files()), sys.argv[2])
