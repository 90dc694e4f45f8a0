"""An input artifact that is named by its key alone: it is in the workflow's own store."""

from pathlib import Path

import pytest
from engine_runs import Ran, call, given, pod, steps

READ = pod(
    "read",
    "test -e /in/d && cat /in/d/x || echo nothing > /tmp/out",
    inputs={
        "parameters": [{"name": "key", "value": ""}],
        "artifacts": [{"name": "d", "path": "/in/d", "optional": True, "s3": {"key": "{{inputs.parameters.key}}"}}],
    },
)


@pytest.mark.parametrize(
    ("key", "phase", "message"),
    [
        ("", "Succeeded", ""),
        ("sets/food", "Succeeded", ""),
        ("sets/other", "Error", "artifact d failed to load: sets/other does not exist"),
    ],
)
def test_an_artifact_by_its_key(key: str, phase: str, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "artifacts" / "sets" / "food"
    folder.mkdir(parents=True)
    (folder / "x").write_text("bread")
    ran = Ran(tmp_path, steps([call("read", arguments=given(key=key))]), READ)
    node = ran.nodes["wf[0].read"]
    assert node["phase"] == phase
    assert node.get("message", "").startswith(message)
    if key == "sets/food":
        assert (ran.directory / "logs" / f"{node['id']}.log").read_text() == "bread"
