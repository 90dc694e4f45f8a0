"""The platform of one machine, whose image store has apps that misbehave."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from steps.adapters.local.misbehaving_apps import STAGING, Files, groups

from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.settings import Settings


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[LocalPlatform]:
    found = LocalPlatform(Settings(home=tmp_path / "home"), Files())
    yield found
    found.down(STAGING)
    assert not groups(found), "control groups were left behind"
