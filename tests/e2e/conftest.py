"""Machines that release models."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.machine import Slipway


@pytest.fixture
def slipway(tmp_path: Path) -> Iterator[Slipway]:
    """A machine that never released anything; its environments are stopped at the end."""
    program = Slipway(tmp_path / "home")
    yield program
    program("down")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slipway]:
    """One machine for a whole module, whose releases build on each other."""
    program = Slipway(tmp_path_factory.mktemp("machine") / "home")
    yield program
    program("down")
