"""The app tells what the kernel has counted for its control group, in both versions of control groups."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from slipway_steps.settings import PROJECT_ROOT

VERSION_2 = {
    "cgroup.controllers": "cpu memory",
    "memory.current": "104857600",
    "memory.stat": "anon 1\ninactive_file 4857600\n",
    "cpu.stat": "usage_usec 2500000\nnr_throttled 4\nthrottled_usec 1250000\n",
}
VERSION_1 = {
    "memory/memory.usage_in_bytes": "104857600",
    "memory/memory.stat": "inactive_file 7\ntotal_inactive_file 4857600\n",
    "cpuacct/cpuacct.usage": "2500000000",
    "cpu/cpu.stat": "nr_throttled 4\nthrottled_time 1250000000\n",
}
TOLD = {"memory_working_set_bytes": 1e8, "cpu_seconds_total": 2.5, "cpu_throttled_seconds_total": 1.25}


@pytest.fixture
def cgroup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.syspath_prepend(str(PROJECT_ROOT / "images" / "app"))
    found = importlib.import_module("cgroup")
    monkeypatch.delitem(sys.modules, "cgroup")
    monkeypatch.setattr(found, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(found, "OWN", tmp_path / "own")
    (tmp_path / "own").write_text("0::/\n")
    return found


def told(cgroup: ModuleType) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(cgroup.CgroupUsage())
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    return {name.removeprefix("cgroup_"): float(value) for name, value in (line.split() for line in lines)}


def write(directory: Path, files: dict[str, str], below: str = "") -> None:
    for name, text in files.items():
        controller, _, file = name.rpartition("/")
        path = directory / controller / below / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize("files", [VERSION_2, VERSION_1])
def test_a_container_has_its_group_at_the_root(files: dict[str, str], cgroup: ModuleType, tmp_path: Path) -> None:
    if files is VERSION_1:
        names = ("memory", "cpuacct", "cpu")
        (tmp_path / "own").write_text("".join(f"{n}:{name}:/kubepods/pod1/c1\n" for n, name in enumerate(names, 2)))
    write(tmp_path / "cgroup", files)
    assert told(cgroup) == TOLD


def test_a_group_below_the_root_is_found(cgroup: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "own").write_text("0::/slipway/staging\n")
    write(tmp_path / "cgroup", VERSION_2, "slipway/staging")
    write(tmp_path / "cgroup", {"cgroup.controllers": "", "memory.current": "7"})
    assert told(cgroup) == TOLD


def test_without_a_group_it_says_nothing(cgroup: ModuleType) -> None:
    assert told(cgroup) == {}
