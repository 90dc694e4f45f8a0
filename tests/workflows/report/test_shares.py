"""The page of a promotion by shares of traffic."""

from pathlib import Path
from typing import Any

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.traffic import Counts, Window
from slipway_steps.domain.verdict import Gate, GateReport, Verdict
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.report import write_report
from slipway_workflows.report.shares import ShareRow, shares_of

NEW = Counts(requests=100, errors=2, latencies={0.1: 95, 0.2: 100})
OLD = Counts(requests=900, errors=0, latencies={0.1: 900})


def report(gate: Gate, **series: Any) -> GateReport:
    candidate = Candidate(version="2", digest="sha256:2")
    told: dict[str, Any] = {"verdict": Verdict.PASS, "checks": [], "started_at": 1.0, "finished_at": 2.0}
    return GateReport(gate=gate, candidate=candidate, release="r", series=series, **told)


def windows(*found: Window) -> GateReport:
    return report(Gate.CANARY, windows=[one.model_dump(mode="json") for one in found])


def text(tmp_path: Path, *reports: GateReport) -> str:
    workflow = StoredWorkflow({"metadata": {"name": "r"}, "status": {"phase": "Succeeded"}})
    return write_report(workflow, reports, {}, tmp_path / "report.html").read_text()


def test_each_share_is_a_row_with_both_versions() -> None:
    found = {Gate.CANARY: windows(Window(weight=10, new=NEW, old=OLD))}
    (row,) = shares_of(found)
    assert (row.weight, row.share, row.requests, row.errors) == (10, 10.0, (100, 900), (2.0, 0.0))
    assert row.p95 == (100.0, 95.0)


def test_what_was_not_counted_is_no_zero() -> None:
    found = {Gate.CANARY: windows(Window(weight=10, new=Counts(), old=Counts()))}
    assert shares_of(found) == [ShareRow(10, None, (0, 0), (None, None), (None, None))]
    assert shares_of({}) == []


def test_such_a_page_shows_its_one_gate_and_the_shares(tmp_path: Path) -> None:
    page = text(tmp_path, windows(Window(weight=10, new=NEW, old=OLD)))
    assert "Shares of traffic" in page
    assert "100 and 900" in page
    assert "Load test" not in page
    assert "Measurements" not in page


def test_a_release_has_no_such_gate(tmp_path: Path) -> None:
    page = text(tmp_path, report(Gate.LOAD))
    assert "Load test" in page
    assert "Canary</span>" not in page
    assert "Shares of traffic" not in page


def test_images_whose_label_changed_are_shown(tmp_path: Path) -> None:
    changed = [
        {"label": "7", "new": "1", "old": "7", "png": "aGk="},
        {"label": "<b>", "new": "", "old": "3", "png": "aGk="},
        {"label": "9", "new": "4", "old": "9", "png": '"><script>'},
    ]
    page = text(tmp_path, report(Gate.SHADOW, changed=changed))
    assert "7: 7 → 1" in page
    assert "&lt;b&gt;: 3 → no answer" in page
    assert "<script" not in page
    assert page.count("data:image/png;base64,aGk=") == 2
