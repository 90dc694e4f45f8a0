"""Which adapters a process has, and when each of them is made."""

import subprocess
import sys
from pathlib import Path

import pytest

from slipway_steps.adapters.world import make_world
from slipway_steps.settings import Settings

MEMBERS = ("registry", "images", "platform", "traffic", "apps", "load_generator", "notifier")


@pytest.mark.parametrize(
    ("member", "others"),
    [
        ("notifier", ("adapters.mlflow", "adapters.local", "adapters.oci")),
        ("registry", ("adapters.http", "adapters.local", "adapters.oci")),
        ("images", ("adapters.http", "adapters.local", "adapters.mlflow")),
    ],
)
def test_a_step_that_uses_one_member_imports_no_other(member: str, others: tuple[str, ...], tmp_path: Path) -> None:
    code = (
        "import sys; from slipway_steps.adapters.world import make_world;"
        f"make_world().{member}; print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert not [name for name in done.stdout.split() for other in others if name.startswith(f"slipway_steps.{other}")]
    assert "mlflow" not in done.stdout.split(), "MLflow takes a second to import"
    assert list(tmp_path.iterdir()) == [], "making a member wrote files"


def test_each_member_is_made_once(tmp_path: Path) -> None:
    world = make_world(Settings(home=tmp_path))
    assert all(getattr(world, member) is getattr(world, member) for member in MEMBERS)
