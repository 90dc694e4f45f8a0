"""The compiled pipelines that Slipway brings for Kubeflow Pipelines: as the target takes them, and what they do."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from steps.perf.test_step import Kept, Told

from slipway_steps import __version__
from slipway_steps.adapters.targets.choice import make_target
from slipway_steps.adapters.targets.pipeline_file import read_ir, read_workflow
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_scenario import MODES
from slipway_steps.domain.perf_session import RunOutcome
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf import step
from slipway_steps.perf.driver import run_session
from slipway_steps.perf.scenario_file import find_pipeline, read_scenarios
from slipway_steps.settings import PROJECT_ROOT, Settings

pytest.importorskip("kfp_server_api", reason="kfp-server-api is not installed (pip install -e .[kfp])")
if TYPE_CHECKING:
    from kubeflow_server import Kubeflow

PERF = PROJECT_ROOT / "workflows" / "perf"
COMPILED = sorted(PERF.glob("kfp/*.yaml"))
STARTED = [path for path in sorted(PERF.glob("scenarios/*.json")) if path.stem not in ("training", "random-gets")]
"""Scenarios whose pipeline has a counterpart here."""
PLACEHOLDER = re.compile(r"\{\{\$\.(inputs|outputs)\.(parameters|artifacts)\['(\w+)'\](?:\.(\w+))?\}\}")


@pytest.fixture
def kubeflow() -> Iterator["Kubeflow"]:
    from kubeflow_server import Kubeflow

    found = Kubeflow()
    yield found
    found.close()


def steps_of(workflow: dict[str, Any]) -> list[tuple[str, set[str]]]:
    """The steps of a Workflow of Argo, and those that each of them waits for."""
    main = next(one for one in workflow["spec"]["templates"] if one["name"] == "main")
    if "dag" in main:
        return [(task["name"], set(re.findall(r"[\w-]+", task.get("depends", "")))) for task in main["dag"]["tasks"]]
    found: list[tuple[str, set[str]]] = []
    before: set[str] = set()
    for group in main["steps"]:
        found += [(step["name"], before) for step in group]
        before = {step["name"] for step in group}
    return found


def inputs_of(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in ("parameters", "artifacts"):
        yield from task.get("inputs", {}).get(kind, {}).values()


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.stem)
def test_it_has_the_steps_of_the_one_for_argo(path: Path) -> None:
    ir, _ = read_ir(path)
    tasks = ir["root"]["dag"]["tasks"]
    waits = {name: set(task.get("dependentTasks", [])) for name, task in tasks.items()}
    workflow = read_workflow(PERF / "argo" / path.name)
    wanted = steps_of(workflow)
    if path.stem == "data":
        wanted[-1] = ("verify", {"generate", "transform"})  # it takes the checksum of the first
    assert waits == dict(wanted)
    given = [
        one["name"]
        for one in read_workflow(PERF / "argo" / path.name)["spec"].get("arguments", {}).get("parameters", [])
    ]
    declared = ir["root"].get("inputDefinitions", {}).get("parameters", {})
    assert [name.replace("_", "-") for name in declared] == given


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.stem)
def test_it_holds_together_and_runs_our_own_image(path: Path) -> None:
    ir, platform = read_ir(path)
    assert platform is None
    assert ir["sdkVersion"].startswith("kfp-2.17.")
    executors = ir["deploymentSpec"]["executors"]
    for task in ir["root"]["dag"]["tasks"].values():
        component = ir["components"][task["componentRef"]["name"]]
        container = executors[component["executorLabel"]]["container"]
        assert container["image"] == f"slipway/steps:{__version__}"
        # a parameter comes as an argument, so that no value of it becomes code
        assert not PLACEHOLDER.search(" ".join(container["command"]))
        for one in inputs_of(task):
            name = next((value["producerTask"] for key, value in one.items() if key.startswith("taskOutput")), None)
            assert name is None or name in task["dependentTasks"]


def test_all_four_are_there() -> None:
    assert [path.stem for path in COMPILED] == ["complex", "compute", "data", "simple"]
    (dag,) = (path for path in COMPILED if path.stem == "complex")
    assert len(read_ir(dag)[0]["root"]["dag"]["tasks"]) == 20


@pytest.mark.parametrize("path", STARTED, ids=lambda path: path.stem)
def test_a_shipped_scenario_runs_on_kubeflow(kubeflow: "Kubeflow", path: Path, tmp_path: Path) -> None:
    (told,) = read_scenarios(path, MODES, "kfp")
    short = {"kind": "", "run_time": 0.5, "interval_seconds": 1.0, "num_times": 2, "concurrency": 1, "warm_up": 0}
    assert told.pipeline_file_name == f"../kfp/{Path(told.pipeline_file_name).name}", "it is what people are told"
    scenario = told.model_copy(update=short)
    pipeline = find_pipeline(scenario, path.parent)
    assert pipeline is not None
    assert pipeline.resolve().parent == PERF / "kfp"
    target = make_target("kfp", Settings(kfp_url=kubeflow.url))
    session = run_session(scenario, target, directory=tmp_path, pipeline=pipeline, revision="r")
    assert session.errors == []
    assert [run.outcome for run in session.runs] == [RunOutcome.SUCCEEDED] * 2
    assert session.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE), "two runs are few"
    assert not any(kubeflow.objects.values())


def test_the_step_perf_runs_a_shipped_scenario_on_kubeflow(kubeflow: "Kubeflow", tmp_path: Path) -> None:
    settings, kept, told = Settings(home=tmp_path, kfp_url=kubeflow.url), Kept(), Told()
    world: Any = SimpleNamespace(settings=settings, notifier=told)
    params = step.Params(scenario="smoke.json", target="kfp", release="perf-test-1")
    outputs = step.run(params, world, measurements=kept)
    session = kept.all[-1]
    assert {one.name for one in kept.all} == {session.name}, "once, and once more with its page"
    assert outputs.session == session.name
    assert session.fingerprint.target_version == "Kubeflow Pipelines 2.17.0, API v2beta1"
    assert [set(run.components) for run in session.timed] == [{"hello"}] * 3
    assert not any(kubeflow.objects.values())


@pytest.mark.parametrize("target", ["local", "argo"])
def test_other_targets_keep_the_pipeline_that_is_named(target: str) -> None:
    (scenario,) = read_scenarios(PERF / "scenarios" / "smoke.json", MODES, target)
    assert (scenario.target, scenario.pipeline_file_name) == (target, "../argo/simple.yaml")


def test_a_workflow_without_a_counterpart_is_one_line(kubeflow: "Kubeflow") -> None:
    (scenario,) = read_scenarios(PERF / "scenarios" / "training.json", MODES, "kfp")
    with pytest.raises(BadInput, match="use --target argo"):
        make_target("kfp", Settings(kfp_url=kubeflow.url)).prepare(
            "perf-x", scenario, find_pipeline(scenario, PERF / "scenarios")
        )
    assert kubeflow.requests == []


class Launched:
    """Runs the containers of a pipeline as Kubeflow's launcher does: each with its placeholders filled in."""

    def __init__(self, pipeline: Path, directory: Path, **parameters: Any) -> None:
        self.ir, _ = read_ir(pipeline)
        self.directory = directory
        self.parameters = parameters

    def run(self) -> dict[str, subprocess.CompletedProcess[str]]:
        done: dict[str, subprocess.CompletedProcess[str]] = {}
        tasks = dict(self.ir["root"]["dag"]["tasks"])
        while tasks:
            name = next(name for name, task in tasks.items() if set(task.get("dependentTasks", [])) <= set(done))
            done[name] = self._run(name, tasks.pop(name))
        return done

    def _run(self, name: str, task: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        component = self.ir["components"][task["componentRef"]["name"]]
        container = self.ir["deploymentSpec"]["executors"][component["executorLabel"]]["container"]

        def value(match: re.Match[str]) -> str:
            side, kind, key, _ = match.groups()
            if side == "outputs":
                return str(self.directory / f"{name}.{key}")
            given = task["inputs"][kind][key]
            if "componentInputParameter" in given:
                return str(self.parameters[given["componentInputParameter"]])
            ((source, told),) = ((source, told) for source, told in given.items() if source.startswith("taskOutput"))
            output = told["outputParameterKey" if source.endswith("Parameter") else "outputArtifactKey"]
            path = self.directory / f"{told['producerTask']}.{output}"
            return path.read_text() if source.endswith("Parameter") else str(path)

        command = [sys.executable if word == "python" else word for word in container["command"]]
        command += [PLACEHOLDER.sub(value, word) for word in container.get("args", [])]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def test_data_fails_where_the_artifact_is_not_what_was_generated(tmp_path: Path) -> None:
    whole = Launched(PERF / "kfp" / "data.yaml", tmp_path, dataset_mib=2).run()
    assert [one.returncode for one in whole.values()] == [0, 0, 0]
    assert (tmp_path / "transform.transformed").stat().st_size == 2 * 2**20
    changed = tmp_path / "changed.yaml"
    changed.write_text((PERF / "kfp" / "data.yaml").read_text().replace("+ block[1:])", "+ block[2:])", 1))
    broken = Launched(changed, tmp_path, dataset_mib=2).run()
    assert [one.returncode for one in broken.values()] == [0, 0, 1]
    assert "checksum" in broken["verify"].stderr


def test_compute_computes_as_much_as_its_parameter_says(tmp_path: Path) -> None:
    said = [Launched(PERF / "kfp" / "compute.yaml", tmp_path, rounds=rounds).run() for rounds in (1, 2)]
    told = [one.stdout for done in said for one in done.values()]
    assert len(told) == 4
    assert len(set(told)) == 2
