"""The memory that requests leave behind is measured in several windows."""

import time
from pathlib import Path
from typing import Any

import pytest
from handler_programs import standalone

growth = standalone("handler_growth")


def measured(code: Path, line: str, least: int = 300, seconds: float = 1.0, windows: int = 3) -> dict[str, Any]:
    """The measurement of a request that runs this line of a handler's file."""
    found: dict[str, Any] = {"KEPT": [], "time": time}
    exec(compile(f"def ask():\n    {line}\n", str(code / "inference.py"), "exec"), found)
    told: dict[str, Any] = growth.measure(found["ask"], windows, least, seconds, str(code))
    return told


def test_what_is_kept_is_counted_with_its_line(tmp_path: Path) -> None:
    told = measured(tmp_path, "KEPT.append(bytes(1000))")
    assert len(told["grown"]) == 4, "one window more shows whether it ever ends"
    assert all(python >= 1000 * told["requests"] for python, _ in told["grown"])
    assert told["largest"] == ["inference.py", 2]


def test_what_is_not_kept_is_not_counted(tmp_path: Path) -> None:
    told = measured(tmp_path, "bytes(1000)")
    assert len(told["grown"]) == 3
    assert min(python for python, _ in told["grown"]) < growth.NOISE * told["requests"]


def test_what_is_bounded_stops_to_grow(tmp_path: Path) -> None:
    told = measured(tmp_path, "KEPT.append(bytes(1000)); del KEPT[:-2500]", least=100)
    *first, last = (python for python, _ in told["grown"])
    assert min(first) > 500 * told["requests"]
    assert last < growth.NOISE * told["requests"]


def test_a_handler_that_is_too_slow_is_not_measured(tmp_path: Path) -> None:
    started = time.monotonic()
    assert measured(tmp_path, "time.sleep(0.05)", least=5, seconds=0.05) == {"requests": 0, "grown": []}
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("line", ["pass", "raise KeyError"])
def test_nothing_is_traced_afterwards(tmp_path: Path, line: str) -> None:
    asked = 0

    def ask() -> None:
        nonlocal asked
        asked += 1
        if asked > 5 and line != "pass":
            raise KeyError

    try:
        told = growth.measure(ask, 1, 5, 0.1, str(tmp_path))
        assert told["largest"] is None
    except KeyError:
        assert line != "pass"
    assert not growth.tracemalloc.is_tracing()
