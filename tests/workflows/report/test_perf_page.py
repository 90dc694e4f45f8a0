"""The report of a performance test: every number and every gap is on the page."""

import math
import random
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from slipway_steps.domain.comparison import Interval, MetricComparison, Side
from slipway_steps.domain.perf_comparison import Pair, PerfComparison, StepChange
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import (
    ApiRequest,
    Fingerprint,
    Firing,
    PerfSession,
    Phase,
    RunOutcome,
    RunSample,
)
from slipway_steps.domain.verdict import Check, Verdict
from slipway_workflows.report import perf_plots
from slipway_workflows.report.perf_page import write_comparison_report, write_perf_report
from slipway_workflows.report.perf_table import amount, median_run, waterfall

FINGERPRINT = Fingerprint(
    cpu="A <CPU>", cores=2, memory_bytes=24 * 2**30, kernel="6.1", python="3.11", target="local", target_version="1"
)


def run(number: int, outcome: RunOutcome = RunOutcome.SUCCEEDED, *, warm_up: bool = False) -> RunSample:
    seconds = 6 + number / 10
    return RunSample(
        run=f"run-{number}",
        started=1_790_000_000 + 7 * number,
        outcome=outcome,
        warm_up=warm_up,
        metrics={"end-to-end": seconds, "cpu": 5.0, "memory": 96 * 2**20},
        components={"train": seconds - 1, "load": 0.8},
        phases=[
            Phase(name="program start", start=0, end=0.2),
            Phase(name="run", component="load", start=0.2, end=1),
            Phase(name="run", component="train", start=1, end=seconds),
        ],
    )


def session(**changes: object) -> PerfSession:
    values: dict[str, object] = {
        "name": "perf-x7k2p",
        "scenario": PerfScenario(mode="PIPELINE_RUN", pipeline_file_name="training_pipeline.yaml", num_times=5),
        "scenario_digest": "d",
        "revision": "0123456789abcdef",
        "fingerprint": FINGERPRINT,
        "started": 1_790_000_000.0,
        "finished": 1_790_000_060.0,
        "runs": [run(0, warm_up=True), *(run(number) for number in range(1, 6)), run(6, RunOutcome.FAILED)],
        "unmeasured": {"network-received": "no control group of its own"},
        "verdict": Verdict.REJECT,
        "checks": [
            Check(
                code="error-rate",
                verdict=Verdict.REJECT,
                message="1 of 6 runs failed & so on",
                measured=0.1667,
                threshold=0.05,
            )
        ],
    }
    return PerfSession.model_validate(values | changes)


def test_the_page_tells_all(tmp_path: Path) -> None:
    told = session(
        requests=[ApiRequest(operation="list", due=float(n), seconds=0.01 * n, status=200) for n in range(1, 50)],
        firings=[Firing(due=1.0, started=1.4, run="late-run"), Firing(due=2.0)],
        measures={"throughput MiB/s": 123.4},
        plugins={"mine": {"found": "<b>bold</b>"}},
        notes=["the machine was slow"],
    )
    points = [perf_plots.HistoryPoint(1_789_000_000 + 86_400 * n, 6.0 + n / 10, n < 3) for n in range(6)]
    page = write_perf_report(told, tmp_path / "report.html", points, "No trend.").read_text()
    for text in (
        "Rejected: error-rate",
        "1 of 6 runs failed &amp; so on",
        "A &lt;CPU&gt;",
        "not measured: no control group of its own",
        "5 of 6",
        "median 6.30 s",
        "program start",
        "late-run",
        "missed",
        "throughput MiB/s",
        "&lt;b&gt;bold&lt;/b&gt;",
        "the machine was slow",
        "6 sessions on the same machine",
        "Each counts from when it was due.",
    ):
        assert text in page
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")


@pytest.mark.parametrize(
    "changes", [{"runs": []}, {"runs": [run(1, RunOutcome.FAILED)]}, {"runs": [run(1, warm_up=True)], "checks": []}]
)
def test_a_session_without_a_timed_run_has_a_page(tmp_path: Path, changes: dict[str, object]) -> None:
    page = write_perf_report(session(**changes), tmp_path / "report.html").read_text()
    assert "0 of " in page


def test_a_run_that_could_not_be_asked_for_is_shown() -> None:
    plot = perf_plots.run_times(session(runs=[run(1), run(2, RunOutcome.BROKEN)]))
    assert plot is not None
    assert "1 broken (plus on the axis)" in plot.caption


def test_what_no_run_told_is_never_zero(tmp_path: Path) -> None:
    page = write_perf_report(session(), tmp_path / "report.html").read_text()
    assert "not measured: no run told it" in page


@pytest.mark.parametrize("target", ["argo", "kfp", "local"])
def test_blanks_of_a_run_on_argo_are_named_with_their_setting(tmp_path: Path, target: str) -> None:
    phases = [
        Phase(name="queue", start=0, end=0.5),
        Phase(name="run", component="load", start=0.5, end=2),
        Phase(name="between-steps", start=2, end=12),
        Phase(name="image-pull", component="train", start=12, end=15),
        Phase(name="create-to-schedule", component="train", start=15, end=17),
        Phase(name="run", component="train", start=17, end=20),
    ]
    made = run(1).model_copy(update={"phases": phases})
    fingerprint = FINGERPRINT.model_copy(update={"target": target})
    page = write_perf_report(session(runs=[made], fingerprint=fingerprint), tmp_path / "report.html").read_text()
    settings = ("DEFAULT_REQUEUE_TIME", "imagePullPolicy: IfNotPresent", "pre-pulled", "`requests` of the pods")
    assert [one in page for one in settings] == [target != "local"] * 4
    assert "namespaceParallelism" not in page, "half a second of waiting is no blank"


def test_each_concurrency_of_a_stress_test_is_on_the_page(tmp_path: Path) -> None:
    scenario = PerfScenario(mode="PIPELINE_RUN", kind="stress", pipeline_file_name="p.yaml")
    runs = [run(number) for number in range(1, 6)]
    runs += [run(number).model_copy(update={"concurrency": 2}) for number in range(6, 11)]
    runs += [run(11, RunOutcome.FAILED).model_copy(update={"concurrency": 2})]
    told = session(scenario=scenario, runs=runs, measures={"runs/min at 1": 9.25})
    page = write_perf_report(told, tmp_path / "report.html").read_text()
    for text in ("0 of 5", "1 of 6", "9.2", "6.3 s", "6.8 s", "judged by the runs at 1 at a time", "5 of 5"):
        assert text in page


def test_the_waterfall_is_of_the_median_run() -> None:
    chosen = median_run(session())
    assert chosen is not None
    assert chosen.run == "run-3"
    bars = waterfall(chosen)
    assert [bar.component or bar.name for bar in bars] == ["program start", "load", "train"]
    assert bars[-1].left + bars[-1].width == pytest.approx(100)


def test_steps_are_ordered_by_their_time() -> None:
    assert [(row.name, round(row.share, 2)) for row in session().steps()] == [("train", 0.84), ("load", 0.13)]


def test_the_plots_of_a_comparison_are_markup() -> None:
    draw = random.Random(1)
    metrics = [
        MetricComparison(
            metric=name,
            ratio=Interval(estimate=at, low=at - 0.05, high=at + 0.05),
            limit=1.1,
            pairs=20,
            verdict=verdict,
        )
        for name, at, verdict in (("end-to-end", 1.24, Verdict.REJECT), ("cpu", 1.01, Verdict.PASS))
    ]
    forest = perf_plots.forest(metrics)
    pairs = perf_plots.pair_noise("cpu", [math.log(draw.gauss(1, 0.05)) for _ in range(20)])
    assert forest is not None
    assert pairs is not None
    assert "×1.24 [1.19, 1.29]" in forest.caption
    assert "20 pairs" in pairs.caption
    for plot in (forest, pairs):
        ET.fromstring(plot.svg)
    assert perf_plots.forest([]) is None
    assert perf_plots.pair_noise("cpu", []) is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.412, "s", "412 ms"),
        (6.21, "s", "6.2 s"),
        (96 * 2**20, "bytes", "96 MiB"),
        (2048, "bytes", "2 KiB"),
        (0.5, "", "0.5"),
    ],
)
def test_numbers_as_people_read_them(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def comparison(**changes: object) -> PerfComparison:
    draw = random.Random(3)
    pairs = []
    for number in range(1, 11):
        base, head = run(number), run(number)
        metrics = {name: value * draw.gauss(1.2, 0.02) for name, value in head.metrics.items()}
        pairs.append(Pair(number=number, first=Side.BASE, base=base, head=head.model_copy(update={"metrics": metrics})))
    pairs.append(Pair(number=11, first=Side.HEAD, base=run(11), head=run(11, RunOutcome.FAILED)))
    ratio = Interval(estimate=1.2, low=1.15, high=1.25)
    values: dict[str, object] = {
        "name": "perf-c4m9a",
        "scenario": session().scenario,
        "base": "v0.3",
        "head": "<the working tree>",
        "fingerprint": FINGERPRINT,
        "started": 1_790_000_000.0,
        "finished": 1_790_000_300.0,
        "pairs": pairs,
        "metrics": [
            MetricComparison(metric="end-to-end", ratio=ratio, limit=1.1, pairs=10, verdict=Verdict.REJECT),
            MetricComparison(metric="storage-read", ratio=None, limit=1.1, pairs=0, verdict=Verdict.INCONCLUSIVE),
        ],
        "steps": [StepChange(step="load", seconds=0.7, share=0.9)],
        "checks": [Check(code="end-to-end", verdict=Verdict.REJECT, message="m", measured=1.2, threshold=1.1)],
        "verdict": Verdict.REJECT,
    }
    return PerfComparison.model_validate(values | changes)


def test_the_page_of_a_comparison(tmp_path: Path) -> None:
    page = write_comparison_report(comparison(), tmp_path / "report.html").read_text()
    for text in (
        "Rejected: end-to-end",
        "&lt;the working tree&gt;",
        "10 of 11",
        "end-to-end ×1.20 [1.15, 1.25], limit ×1.10: reject",
        "10 pairs",
        "700 ms",
        "90 %",
        ">failed</td>",
    ):
        assert text in page


def test_the_page_of_a_comparison_without_pairs(tmp_path: Path) -> None:
    nothing = comparison(pairs=[], metrics=[], steps=[], verdict=Verdict.INCONCLUSIVE)
    assert "Inconclusive" in write_comparison_report(nothing, tmp_path / "report.html").read_text()
