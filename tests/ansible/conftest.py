"""Playbooks for clusters of a module's tests; see ansible_runs.py."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_runs import BIN, Playbooks


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = ""
    if not (BIN / "ansible-playbook").exists():
        missing = "ansible is not installed (extra `platform`)"
    elif importlib.util.find_spec("ansible_collections.kubernetes") is None:
        missing = "the collection kubernetes.core is not installed (extra `platform`)"
    elif importlib.util.find_spec("kubernetes") is None:
        missing = "the Kubernetes client is not installed"
    for item in items:
        if missing and item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.skip(reason=missing))


Clusters = Callable[[dict[str, dict[str, Any]]], Playbooks]


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    """clusters({host: its variables}): playbooks for as many empty clusters, all stopped after the module."""
    made: list[Playbooks] = []

    def make(hosts: dict[str, dict[str, Any]]) -> Playbooks:
        made.append(Playbooks(tmp_path_factory.mktemp("playbooks"), hosts))
        return made[-1]

    yield make
    for one in made:
        one.close()
