"""Reading stored runs."""

from pathlib import Path

import pytest

from slipway_steps.domain.errors import Refused
from slipway_workflows.engine.state.stored_runs import stored_run


@pytest.mark.parametrize("text", [None, "", '{"metadata": {'])
def test_a_run_whose_workflow_is_lost_or_damaged_is_not_called_unknown(text: str | None, tmp_path: Path) -> None:
    directory = tmp_path / "runs" / "mine"
    directory.mkdir(parents=True)
    if text is not None:
        (directory / "workflow.json").write_text(text)
    with pytest.raises(Refused, match=r"mine/workflow\.json is missing or damaged"):
        stored_run(tmp_path, "mine")
    with pytest.raises(Refused, match="there is no workflow other"):
        stored_run(tmp_path, "other")
