"""What the handler's process does beside its answers is seen."""

import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from handler_programs import PROGRAMS

from slipway_steps.adapters.handlers.programs import handler_watch
from slipway_steps.adapters.handlers.programs.handler_watch import OpenedFiles

PROGRAM = """
import json, os, socket, subprocess, sys
import handler_watch
handler_watch.without_network()
told = []
for line in sys.argv[1:]:
    try:
        exec(line)
        said = ""
    except OSError as error:
        said = error.strerror or ""
    told.append([handler_watch.connections[:], said])
    handler_watch.connections.clear()
print(json.dumps(told))
"""
REFUSED = "Network is unreachable"
ATTEMPTS = [
    # what is done, what is named, what is said
    ("socket.create_connection(('192.0.2.1', 80), 3)", ["192.0.2.1:80"], REFUSED),
    ("socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))", ["2001:db8::1:80"], REFUSED),
    ("socket.gethostbyname('example.com')", ["example.com"], REFUSED),
    ("socket.getaddrinfo(b'example.com', 443)", ["example.com:443"], REFUSED),
    ("socket.getaddrinfo('example.com', None)", ["example.com"], REFUSED),
    ("own = socket.create_server(('127.0.0.1', 0)); socket.create_connection(own.getsockname(), 3)", [], ""),
    ("socket.getaddrinfo('localhost', 80)", [], ""),
    ("socket.getaddrinfo(b'127.0.0.1', 80)", [], ""),
    ("socket.getaddrinfo(None, 80)", [], ""),
    ("socket.socket(socket.AF_UNIX).connect('/no/such/socket')", [], "No such file or directory"),
    ("os.system('true || curl -s x && /usr/bin/wget x; wget y')", ["program curl", "program wget"], ""),
    ("subprocess.run(['sh', '-c', 'true || git clone x'])", ["program git"], ""),
    ("subprocess.run([sys.executable, '-m', 'no_such', '-m', 'pip'], stderr=-3)", ["program pip"], ""),
    ("subprocess.run(['echo', 'git'], stdout=-3)", [], ""),
    ("subprocess.run('true', shell=True)", [], ""),
]


def test_each_way_out_is_named_and_the_own_machine_is_none() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *(line for line, _, _ in ATTEMPTS)],
        cwd=PROGRAMS,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told = zip(ATTEMPTS, json.loads(done.stdout.splitlines()[-1]), strict=True)
    assert [(line, *got) for (line, _, _), got in told] == ATTEMPTS


def test_files_that_are_opened_are_seen_once_and_those_of_the_code_are_not(tmp_path: Path) -> None:
    for name in ("model.bin", "deep/er/weights.bin", "deep/code/late.bin", "code/inference.py", "payloads/a.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    opened = OpenedFiles(str(tmp_path))
    try:
        assert opened.works
        for path in [*tmp_path.rglob("*.*"), tmp_path / "model.bin"]:
            path.read_text()
        list((tmp_path / "deep").iterdir())
        assert opened.take() == ["deep/code/late.bin", "deep/er/weights.bin", "model.bin"]
        assert opened.take() == []
    finally:
        os.close(opened.descriptor)


def test_without_inotify_nothing_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Libc:
        @staticmethod
        def inotify_init1(flags: int) -> int:
            return -1

    monkeypatch.setattr(handler_watch.ctypes, "CDLL", lambda *given, **more: Libc)
    opened = OpenedFiles(str(tmp_path))
    assert (opened.works, opened.take()) == (False, [])


def test_a_descriptor_is_moved_where_nobody_meets_it() -> None:
    read, write = os.pipe()
    moved = handler_watch.out_of_the_way(read)
    try:
        os.write(write, b"x")
        assert os.read(moved, 1) == b"x"
        assert moved >= 500
        assert fcntl.fcntl(moved, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(read)
    finally:
        os.close(moved)
        os.close(write)


def test_the_peak_of_memory_is_that_since_the_last_measurement() -> None:
    handler_watch.reset_peak()
    del (block := bytearray(64 << 20))[:]
    assert handler_watch.peak() - handler_watch.resident() > 32 << 20
    handler_watch.reset_peak()
    assert handler_watch.peak() - handler_watch.resident() < 16 << 20
    assert block == b""


def test_threads_are_counted() -> None:
    before, end = handler_watch.threads(), threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    assert handler_watch.threads() == before + 1
    end.set()
    thread.join()
