"""Where the handler's code stood is written when its process ends."""

import subprocess
import sys

import pytest
from handler_programs import PROGRAMS

PROGRAM = """
import os, signal, sys, time
from handler_trace import ASKED, traced
leave = os._exit
def predict_fn():
    {line}
try:
    with traced():
        predict_fn()
except KeyError:
    pass
assert os._exit is leave
print("went on")
"""


def run(line: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(line=line)],
        cwd=PROGRAMS,
        env={"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("os._exit(7)", 7, "line 6 in predict_fn"),
        ("sys.exit(3)", 3, "in predict_fn"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -11, "line 6 in predict_fn"),
        ("os.close(2); os._exit(4)", 4, "line 6 in predict_fn"),
        ("os.closerange(3, 400); os._exit(4)", 4, "line 6 in predict_fn"),
    ],
)
def test_an_end_is_written_with_its_line(line: str, code: int, said: str) -> None:
    done = run(line)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_who_asks_is_told_and_the_process_goes_on() -> None:
    done = run("os.kill(os.getpid(), ASKED)")
    assert "line 6 in predict_fn" in done.stderr
    assert done.stdout == "went on\n"


def test_an_exception_goes_on_its_way() -> None:
    done = run("raise KeyError('gone')")
    assert "KeyError: 'gone'" in done.stderr
    assert done.stdout == "went on\n"


@pytest.mark.parametrize("line", ["pass", "os.waitpid(pid, 0) if (pid := os.fork()) else os._exit(0)"])
def test_nothing_is_written_without_an_end_of_its_own(line: str) -> None:
    done = run(line)
    assert (done.stdout, done.stderr) == ("went on\n", "")
