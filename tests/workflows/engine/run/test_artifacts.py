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


@pytest.mark.parametrize("name", ["../../../../kept", "..", "a/b", "a\\b"])
def test_the_name_of_an_output_leads_nowhere_else(name: str, tmp_path: Path) -> None:
    # without the check the first name would be the folder `kept` below: never use one that leads out of tmp_path
    home = tmp_path / "home"
    (home / "kept").mkdir(parents=True)
    (home / "kept" / "x").write_text("bread")
    write = pod("main", "echo x > /tmp/o", outputs={"artifacts": [{"name": name, "path": "/tmp/o"}]})
    ran = Ran(home, write)
    assert ran.status["phase"] == "Error"
    assert "a name has only letters, digits, - and _" in ran.status["message"]
    assert (home / "kept" / "x").read_text() == "bread"
