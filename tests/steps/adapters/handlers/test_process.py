"""The process of a handler: what it finds, what it may not do, and that nothing of it is left."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from handler_code import MIB, answers, body, code_package, handler_worker, request, running

from slipway_steps.adapters.handlers.answer import Request
from slipway_steps.adapters.handlers.process import OutOfTime
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import JSON

GOOD, DOUBLED = "[1, 2]", [2, 4]
CGROUPS = Path("/sys/fs/cgroup")


def asked(directory: Path, expression: str, **limits: object) -> object:
    """The value of a Python expression inside the handler."""
    package = code_package(directory / "package", predict_fn=body(f"return {expression}"))
    (answer,) = answers(package, GOOD, **limits)
    assert answer.ok, answer
    return json.loads(answer.body)


def groups() -> list[str]:
    own = f"slipway-handler-{os.getpid()}-"
    return [name for _, names, _ in os.walk(CGROUPS) for name in names if name.startswith(own)]


def test_the_environment_is_scrubbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLIPWAY_HOME", "MLFLOW_TRACKING_PASSWORD", "AWS_SECRET_ACCESS_KEY", "KUBECONFIG", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, "a secret")
    found = asked(tmp_path, "dict(os.environ)")
    assert isinstance(found, dict)
    assert "a secret" not in found.values()
    scratch = str(tmp_path / "scratch")
    assert found["HOME"].startswith(scratch)
    assert found["TMPDIR"].startswith(scratch)


def test_home_and_temporary_files_are_its_own_and_gone_afterwards(tmp_path: Path) -> None:
    line = "[open(os.path.expanduser('~/a'), 'w').close(), __import__('tempfile').mkstemp()[1]]"
    found = asked(tmp_path, line)
    assert isinstance(found, list)
    assert Path(found[1]).is_relative_to(tmp_path / "scratch")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_flood_of_prints_is_read_and_not_kept(tmp_path: Path) -> None:
    flood = "sys.stdout.write('x' * (1 << 20)); sys.stderr.write('end\\n')"
    package = code_package(tmp_path / "package", predict_fn=body(f"for _ in range(100): {flood}"))
    own = psutil.Process()
    with handler_worker(package) as worker:
        worker.load()
        before = own.memory_info().rss
        (answer,) = worker.send([request("a")])
        assert json.loads(answer.body) == DOUBLED
        assert own.memory_info().rss - before < 20 * MIB
        assert worker.process.last().endswith("end\n")


@pytest.mark.parametrize(
    "line",
    [
        "os.closerange(0, 3)",
        "os.closerange(3, 400)",
        "os.closerange(0, 400)",
        "[os.dup(os.open(os.devnull, 0)) for _ in range(50)]",
        "os.chdir('/')",
        "import gc; gc.collect(); [o.close() for o in gc.get_objects() if isinstance(o, type(open(os.devnull)))]",
    ],
)
def test_a_handler_that_closes_files_is_still_heard(tmp_path: Path, line: str) -> None:
    package = code_package(tmp_path / "package", predict_fn=body(line))
    first, second = answers(package, GOOD, GOOD)
    assert json.loads(first.body) == DOUBLED, first
    assert json.loads(second.body) == DOUBLED, second


def test_a_result_cannot_be_printed(tmp_path: Path) -> None:
    forged = '{"id": "0", "status": 200, "body": "", "done": true}'
    package = code_package(
        tmp_path / "package", predict_fn=body(f"print('''{forged}''', flush=True); os.write(1, b'''{forged}\\n''')")
    )
    (answer,) = answers(package, GOOD)
    assert json.loads(answer.body) == DOUBLED


@pytest.mark.parametrize("watchdog", [False, True])
def test_processes_that_the_handler_started_are_gone_afterwards(tmp_path: Path, watchdog: bool) -> None:
    mark = f"mark-{tmp_path.name}-{watchdog}"
    sleeper = f"[sys.executable, '-c', 'import time; time.sleep(300)', {mark!r} + where]"
    start = f"subprocess.Popen({sleeper}, start_new_session=new)"
    package = code_package(
        tmp_path / "package",
        head="import json, os, subprocess, sys, time",
        predict_fn=body(f"for where, new in (('in', False), ('out', True)): {start}"),
    )
    with handler_worker(package, watchdog=watchdog) as worker:
        worker.load()
        (answer,) = worker.send([request("a")])
        assert answer.ok
        assert len(running(mark)) == 2
    until = time.monotonic() + 5
    while running(mark) and time.monotonic() < until:
        time.sleep(0.05)
    assert running(mark) == []


CONNECT = {
    "socket": "import socket; socket.create_connection(('192.0.2.1', 80), 3)",
    "urllib": "import urllib.request; urllib.request.urlopen('http://example.com:81/a', timeout=3)",
    "datagram": "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x', ('192.0.2.1', 53))",
    "message": "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.sendmsg([b'x'], [], 0, ('192.0.2.1', 53))",
}
NAMED = {"socket": "192.0.2.1:80", "urllib": "example.com:81", "datagram": "192.0.2.1:53", "message": "192.0.2.1:53"}


@pytest.mark.parametrize("way", CONNECT)
def test_the_network_is_refused_and_the_address_named(tmp_path: Path, way: str) -> None:
    package = code_package(tmp_path / "package", predict_fn=body(CONNECT[way]))
    (answer,) = answers(package, GOOD)
    assert answer.status == 500
    assert "unreachable" in answer.reason
    assert answer.connections == (NAMED[way],)


NATIVE = "import socket; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"


def test_the_network_is_refused_to_native_code_and_loopback_is_its_own(tmp_path: Path) -> None:
    # a program of its own is not seen by the audit hook: only the kernel can refuse it
    lines = (
        "import socket, subprocess",
        "listener = socket.create_server(('127.0.0.1', 0)); own = listener.getsockname()",
        "socket.create_connection(own, 3)",
        f"ask = lambda *to: subprocess.run([sys.executable, '-c', 'import sys; ' + {NATIVE!r}, *map(str, to)], "
        "capture_output=True, text=True)",
        "return [ask(*own).returncode, ask('192.0.2.1', 80).stderr]",
    )
    package = code_package(tmp_path / "package", predict_fn=body(*lines))
    (answer,) = answers(package, GOOD)
    assert answer.ok, answer
    code, said = json.loads(answer.body)
    assert code == 0
    assert "unreachable" in said
    assert answer.connections == ()


@pytest.mark.parametrize("how", ["os.system('curl -s 192.0.2.1')", "import subprocess; subprocess.run(['curl', 'x'])"])
def test_a_program_that_downloads_is_named(tmp_path: Path, how: str) -> None:
    package = code_package(tmp_path / "package", predict_fn=body("try:", f"    {how}", "except OSError: pass"))
    (answer,) = answers(package, GOOD)
    assert answer.connections == ("program curl",)


def test_a_python_that_is_not_there_or_has_no_toolkit_is_bad_input(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package")
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    for python, said in (
        (str(tmp_path / "none"), "No such file"),
        (str(bare / "bin" / "python"), "No module named"),
        ("/bin/false", "/bin/false"),
    ):
        with pytest.raises(BadInput) as raised, handler_worker(package, python=python):
            pass
        assert said in str(raised.value)
        assert "--python" in raised.value.hint
    assert groups() == []


def test_a_limit_that_is_too_small_to_start_is_named(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package")
    with pytest.raises(BadInput, match="killed above 10 MiB"), handler_worker(package, memory=10 * MIB):
        pass
    assert groups() == []


def test_no_descriptor_is_left_open_or_closed_twice(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package")
    before = len(list(Path("/proc/self/fd").iterdir()))
    with handler_worker(package) as worker:
        worker.load()
        worker.close()
        others = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
        worker.close()
        for number in others:
            os.close(number)  # raises where somebody else has closed it
        worker.restart()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


NOBODY = """
import json, os, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from handler_code import answers, body, code_package
from slipway_steps.adapters.handlers.archive import unpack

home = Path(sys.argv[1])
lines = (
    "import socket, subprocess",
    "try: open(__file__, 'a'); writable = True",
    "except OSError: writable = False",
    "own = socket.create_server(('127.0.0.1', 0)).getsockname()",
    "ask = lambda *to: subprocess.run(['python3', '-c', 'import socket, sys; socket.create_connection((sys.argv[1], "
    "int(sys.argv[2])), 3)', *map(str, to)], capture_output=True, text=True).stderr[-60:]",
    "return [os.getuid(), writable, ask('192.0.2.1', 80)]",
)
package = unpack(code_package(home / "source", predict_fn=body(*lines)), home / "store").directory
(answer,) = answers(package, "[1]")
print(answer.text if answer.ok else answer)
"""


# where another user cannot read the Python of these tests, it gets a view in which it can
REACHABLE = """
mkdir "$1/base" && mount --bind "$2" "$1/base" && top=/$(echo "$2" | cut -d/ -f2) && mount -t tmpfs none "$top" &&
chmod 755 "$top" && mkdir -p "$2" && mount --bind "$1/base" "$2" && shift 2 && exec "$@"
"""


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that other users reach; tmp_path is none."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_than_root_has_the_same_walls(open_directory: Path) -> None:
    own = open_directory / "own"
    own.mkdir()
    os.chown(own, 65534, 65534)
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", NOBODY, str(own)]
    if not all(one.stat().st_mode & 0o001 for one in Path(sys.base_prefix).parents):
        view = ["sh", "-c", REACHABLE, "sh", str(open_directory), sys.base_prefix]
        command = ["unshare", "--mount", "--propagation=private", *view, *command]
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run([*command, *sys.path], capture_output=True, text=True, check=False, cwd=own, env=environment)
    assert done.returncode == 0, done.stderr
    user, writable, said = json.loads(done.stdout)
    assert (user, writable) == (65534, False)
    assert "unreachable" in said
    assert list((own / "store").glob("scratch-*")) == []


def test_the_time_for_the_whole_test_is_told_apart_from_that_of_a_request(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package", predict_fn=body("time.sleep(30)"))
    started = time.monotonic()
    with pytest.raises(OutOfTime):
        answers(package, GOOD, GOOD, whole=2.0)
    assert time.monotonic() - started < 6


def test_a_body_that_is_gone_is_no_fault_of_the_handler(tmp_path: Path) -> None:
    package = code_package(tmp_path / "package")
    with handler_worker(package) as worker:
        worker.load()
        with pytest.raises(BadInput, match=r"gone\.json"):
            worker.send([Request("a", JSON, JSON, tmp_path / "gone.json")])
        told = worker.send([request("b")])
        assert json.loads(told[0].body) == DOUBLED
        assert worker.loads == 1
