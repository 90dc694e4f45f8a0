"""The page of a session that a step has run: written by the real program, kept in real MLflow."""

from pathlib import Path

import pytest
from steps.perf.sessions import session

from slipway_steps.adapters.mlflow.measurements import MlflowMeasurements
from slipway_steps.perf import page
from slipway_steps.settings import Settings


def test_the_page_lies_beside_the_samples(tmp_path: Path) -> None:
    assert page.keep_page(session(1, 6.0), MlflowMeasurements(Settings(home=tmp_path))) == ""
    (found,) = tmp_path.rglob("report.html")
    assert "Performance test <strong>perf-1</strong>" in found.read_text()
    assert [path.name for path in found.parent.parent.iterdir()].count("samples") == 1


def test_what_goes_wrong_is_told_and_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    down = MlflowMeasurements(Settings(home=tmp_path, tracking_uri="http://127.0.0.1:9", mlflow_retries=0))
    assert "could not be stored: MLflow at http://127.0.0.1:9" in page.keep_page(session(1, 6.0), down)
    monkeypatch.setattr(page, "PROGRAM", "slipway_workflows.no_such_module")
    told = page.keep_page(session(1, 6.0), MlflowMeasurements(Settings(home=tmp_path)))
    assert told.startswith("the report could not be written: ")
    assert "no_such_module" in told
