"""What a run writes about the process groups of its steps, while they run."""

import asyncio
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from engine_runs import call, pod, prepared, steps

from slipway_workflows.engine.machine import groups as module
from slipway_workflows.engine.machine.groups import GROUPS, Groups
from slipway_workflows.engine.state.store import runs_of


class Watched:
    """A run, and all that was read in its groups.json while it ran."""

    def __init__(self, home: Path, *templates: dict[str, Any]) -> None:
        self.path = runs_of(home) / "wf" / GROUPS
        self.seen: list[dict[str, Any]] = []
        run, result = prepared(home, *templates), []
        thread = threading.Thread(target=lambda: result.append(run.execute()))
        thread.start()
        while thread.is_alive():
            if self.path.exists():
                self.seen.append(json.loads(self.path.read_text() or "{}"))
            time.sleep(0.02)
        self.nodes = result[0]["status"]["nodes"]


def test_a_running_step_is_named_with_its_group(tmp_path: Path) -> None:
    ran = Watched(tmp_path, steps([call("a")]), pod("a", "echo $$; sleep 0.7"))
    (node,) = [key for key, one in ran.nodes.items() if one["type"] == "Pod"]
    shown = [one for one in ran.seen if one["steps"]]
    assert shown
    assert {
        "engine": os.getpid(),
        "steps": {node: int((ran.path.parent / "logs" / f"{node}.log").read_text())},
    } in shown


def test_nothing_is_left_of_it_after_the_run(tmp_path: Path) -> None:
    assert not Watched(tmp_path, steps([call("a")]), pod("a", "sleep 0.3")).path.exists()


def test_a_step_that_has_ended_is_not_named(tmp_path: Path) -> None:
    ran = Watched(tmp_path, steps([call("a")], [call("b")]), pod("a", "sleep 0.5"), pod("b", "sleep 0.8"))
    assert max(len(one["steps"]) for one in ran.seen) == 1
    assert len({key for one in ran.seen for key in one["steps"]}) == 2


def test_what_a_step_had_used_is_written_at_its_end(tmp_path: Path) -> None:
    spin = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
    write = f"dd if=/dev/zero of=big bs=1M count=8 conv=fsync; {spin}"
    began = time.time()
    ran = Watched(tmp_path, steps([call("a")], [call("b")]), pod("a", write), pod("b", "exit 1"))
    lines = [json.loads(line) for line in (ran.path.parent / "usage.jsonl").read_text().splitlines()]
    nodes = {one["displayName"]: key for key, one in ran.nodes.items() if one["type"] == "Pod"}
    assert [line["node"] for line in lines] == [nodes["a"], nodes["b"]]
    assert 8 * 2**20 <= lines[0]["written"] < 10 * 2**20
    assert lines[0]["cpu"] > 0.1
    assert began < lines[0]["at"] < lines[1]["at"]
    assert lines[1]["written"] < 2**20


def test_a_slow_disk_does_not_keep_steps_from_being_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[float] = []

    def slowly(path: Path, text: str) -> None:
        time.sleep(0.05)
        written.append(time.monotonic())

    monkeypatch.setattr(module, "replace_file", slowly)

    async def two_changes() -> None:
        found = Groups(tmp_path)
        for node in ("a", "b"):
            found.begin(node, 1)
            await asyncio.sleep(0.6)
        found.close()

    asyncio.run(two_changes())
    assert len(written) == 2


def test_many_changes_at_once_are_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    monkeypatch.setattr(module, "replace_file", lambda path, text: texts.append(text))

    async def thousand() -> None:
        found = Groups(tmp_path)
        for number in range(1000):
            found.begin(f"n{number}", number)
            found.end(f"n{number - 5}")
        await asyncio.sleep(0.3)
        found.close()

    asyncio.run(thousand())
    assert [sorted(json.loads(text)["steps"].values()) for text in texts] == [[995, 996, 997, 998, 999]]
