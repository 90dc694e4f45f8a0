"""What a run writes about its waits and about the starts of its processes."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from engine_runs import Ran, call, pod, steps

from slipway_workflows.engine.machine.timings import Timings


def told(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "timings.jsonl").read_text().splitlines()]


def test_each_pod_tells_how_long_it_took_to_start(tmp_path: Path) -> None:
    ran = Ran(tmp_path, steps([call("a")]), pod("a"))
    (found,) = told(ran.directory)
    (node,) = [one for one in ran.nodes.values() if one["type"] == "Pod"]
    assert (found["node"], found["what"]) == (node["id"], "container-start")
    assert 0 < found["to"] - found["from"] < 1
    assert abs(found["to"] - time.time()) < 30


@pytest.mark.parametrize("limit", [{"parallelism": 1}, {}])
def test_a_wait_for_parallelism_is_told(tmp_path: Path, limit: dict[str, Any]) -> None:
    ran = Ran(tmp_path, steps([call("x", "a"), call("y", "a")]), pod("a", "sleep 0.3"), **limit)
    waits = [one["to"] - one["from"] for one in told(ran.directory) if one["what"] == "queue"]
    assert [wait > 0.2 for wait in waits] == ([True] if limit else [])


def test_a_lock_that_is_free_is_no_wait(tmp_path: Path) -> None:
    mutex = {"mutexes": [{"name": "one"}]}
    ran = Ran(
        tmp_path, steps([call("a")]), pod("a", synchronization=mutex), synchronization={"mutexes": [{"name": "o"}]}
    )
    assert [one for one in told(ran.directory) if one["what"] == "queue" and one["to"] - one["from"] > 0.05] == []


def test_what_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    timings = Timings(tmp_path / "not there")
    timings.started("a", time.time())
    timings.queued("a", time.time() - 1)
