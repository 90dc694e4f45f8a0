"""Lifecycle hooks of steps and tasks."""

from pathlib import Path
from typing import Any

import pytest
from engine_runs import Ran, call, dag, pod, steps

OUTPUT = {"outputs": {"parameters": [{"name": "v", "valueFrom": {"expression": "nothing.at.all"}}]}}


@pytest.mark.parametrize("kind", ["steps", "tasks"])
def test_a_hook_is_awaited_though_its_step_raises(tmp_path: Path, kind: str) -> None:
    """The step becomes an Error because its template has no output, while the hook of the step still runs."""
    hook = {"expression": f'{kind}["a"].status == "Running"', "template": "hook"}
    step = call("a", "inner", hooks={"begun": hook})
    main: dict[str, Any] = steps([step]) if kind == "steps" else dag(step)
    inner = steps([call("x", "ok")], name="inner", **OUTPUT)
    ran = Ran(tmp_path, main, inner, pod("ok"), pod("hook", "sleep 1"))
    node = next(node for name, node in ran.nodes.items() if name.endswith(".hooks.begun"))
    assert (node["phase"], bool(node["finishedAt"])) == ("Succeeded", True)
