"""`slipway perf clean` on a cluster: what a killed program has left there anybody finds, once its time is over."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_rbac import service_account
from simulated_cluster.argo_only import ArgoOnly
from steps.adapters.targets.pipelines import two_steps, written

from slipway_steps.adapters.targets.argo_manifest import SESSION_LABEL
from slipway_steps.domain.perf_until import MARGIN, UNTIL, read_end
from slipway_workflows.catalog import rbac
from slipway_workflows.cli import main

NAMESPACE = "slipway-perf"
KILLS = int(os.environ.get("SLIPWAY_TEST_KILLS", "5"))
"""Programs that are killed; 100 are the claim, and take some minutes."""
MADE = ("Workflow", "CronWorkflow")


@pytest.fixture
def argo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ArgoOnly]:
    found = ArgoOnly(tmp_path / "cluster", NAMESPACE, "slipway")
    found.objects.add(*rbac.build())
    # with the rights of the step, which are all that a person needs
    kubeconfig = found.objects.kubeconfig(tmp_path / "kubeconfig", service_account("slipway-perf"))
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    yield found
    found.close()


@pytest.fixture
def started(argo: ArgoOnly, tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Starts `slipway perf run --target argo` on a machine of its own."""
    programs: list[subprocess.Popen[bytes]] = []

    def start(**fields: Any) -> "subprocess.Popen[bytes]":
        told = {"mode": "PIPELINE_RUN", "warmUp": 0, "parameters": {"seconds": "30"}, "runTime": 5} | fields
        file = written(tmp_path / "scenario.json", {**told, "pipelineFileName": two_steps(tmp_path).name})
        home = str(tmp_path / "laptop")
        argv = [sys.executable, "-P", "-m", "slipway_workflows.cli", "--home", home, "perf", "run", str(file)]
        program = subprocess.Popen([*argv, "--target", "argo"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        programs.append(program)
        return program

    yield start
    for program in programs:
        program.kill()
        program.wait()


def left(argo: ArgoOnly) -> list[dict[str, Any]]:
    """What sessions have in the namespace."""
    return [one for kind in MADE for one in argo.objects.all_of(kind) if SESSION_LABEL in one["metadata"]["labels"]]


def until(told: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not told():
        assert time.monotonic() < end
        time.sleep(0.05)


def clean(tmp_path: Path) -> int:
    """On another machine."""
    return main(["--home", str(tmp_path / "other"), "perf", "clean", "--target", "argo"])


def time_passes(argo: ArgoOnly) -> None:
    """The time until which its session may run is over for all that is there, and will be for what is fired later."""
    past = {UNTIL: "2026-01-01T00:00:00Z"}
    for one in left(argo):
        name = one["metadata"]["name"]
        argo.objects.change(one["kind"], name, NAMESPACE, lambda one: one["metadata"]["annotations"].update(past))


@pytest.mark.parametrize("mode", ["PIPELINE_RUN", "SCHEDULED_RUNS"])
def test_what_a_killed_program_left_is_removed_when_its_time_is_over(
    argo: ArgoOnly,
    started: Callable[..., "subprocess.Popen[bytes]"],
    tmp_path: Path,
    mode: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program = started(mode=mode, intervalSeconds=1, numTimes=20, concurrency=2)
    until(lambda: len(argo.objects.all_of("Workflow")) >= 2)
    assert program.poll() is None
    program.kill()
    program.wait()
    session = left(argo)[0]["metadata"]["labels"][SESSION_LABEL]

    assert clean(tmp_path) == 0
    assert capsys.readouterr().out.startswith(f"{session}: left alone: it may still be running, until 20")
    assert len(left(argo)) >= 2

    time_passes(argo)
    assert clean(tmp_path) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{session}: removed ")
    assert "workflow perf-" in said
    assert ("cronworkflow" in said) == (mode == "SCHEDULED_RUNS")
    assert left(argo) == []
    until(lambda: argo.objects.all_of("Pod") == [])
    time.sleep(1.5)
    assert left(argo) == [], "no schedule is left that fires"
    assert clean(tmp_path) == 0
    assert capsys.readouterr().out == "nothing to clean up\n"


def test_the_schedule_of_a_killed_program_ends_by_itself(
    argo: ArgoOnly, started: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    program = started(mode="SCHEDULED_RUNS", intervalSeconds=1, numTimes=3, parameters={"seconds": "0.1"})
    until(lambda: argo.objects.all_of("Workflow"))
    program.kill()
    program.wait()
    until(lambda: sum((one.get("status") or {}).get("phase") == "Succeeded" for one in left(argo)) >= 3)
    fired = len(argo.objects.all_of("Workflow"))
    time.sleep(3)
    assert len(argo.objects.all_of("Workflow")) <= fired + 1, "one may have been due just then"


def test_all_that_a_session_makes_tells_until_when_it_may_run(
    argo: ArgoOnly, started: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    before = time.time()
    started(mode="SCHEDULED_RUNS", intervalSeconds=1, numTimes=20, startTime=0.01, runTime=2)
    until(lambda: len(left(argo)) >= 3)
    told = {one["metadata"]["annotations"][UNTIL] for one in left(argo)}
    assert len(told) == 1
    assert read_end(told.pop()) == pytest.approx(before + 120 + MARGIN, abs=30)


def test_a_session_without_its_time_and_workflows_of_others_are_left_alone(
    argo: ArgoOnly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def workflow(name: str, **labels: str) -> dict[str, Any]:
        metadata = {"name": name, "namespace": NAMESPACE, "labels": labels, "annotations": {}}
        spec = {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]}
        return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": metadata, "spec": spec}

    argo.objects.add(workflow("other"), workflow("old", **{SESSION_LABEL: "perf-x7k2p"}))
    assert clean(tmp_path) == 0
    assert "perf-x7k2p: left alone: it does not tell until when it may run" in capsys.readouterr().out
    assert {one["metadata"]["name"] for one in argo.objects.all_of("Workflow")} == {"other", "old"}


def test_what_cannot_be_looked_for_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"server": "http://127.0.0.1:9"}
    told = {"clusters": [{"name": "c", "cluster": config}], "contexts": [{"name": "x", "context": {"cluster": "c"}}]}
    (tmp_path / "kubeconfig").write_text(json.dumps({"current-context": "x", **told}))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    assert clean(tmp_path) == 1


@pytest.mark.parametrize("number", range(KILLS))
def test_a_kill_at_any_moment_leaves_nothing_after_clean(
    argo: ArgoOnly, started: Callable[..., "subprocess.Popen[bytes]"], tmp_path: Path, number: int
) -> None:
    scheduled = number % 2 == 1
    program = started(
        mode="SCHEDULED_RUNS" if scheduled else "PIPELINE_RUN",
        intervalSeconds=1,
        numTimes=50,
        concurrency=2,
        parameters={"seconds": "0.3"},
    )
    time.sleep(random.Random(number).uniform(1.0, 6.0))
    program.kill()
    program.wait()
    if number % 4 < 2:  # its own machine knows at once that its program is gone
        assert main(["--home", str(tmp_path / "laptop"), "perf", "clean"]) == 0
    else:
        time_passes(argo)
        assert clean(tmp_path) == 0
    assert left(argo) == []
    until(lambda: argo.objects.all_of("Pod") == [])
