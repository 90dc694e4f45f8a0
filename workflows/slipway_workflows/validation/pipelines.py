"""The pipeline of a scenario: whether it can be run, which data and which seed it gets."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.validation import DIGITS, SYNTHETIC, E2ETestScenario
from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.engine.manifests.library import load, main_object
from slipway_workflows.validation.scenarios import is_file

PROGRAM = (sys.executable, "-P", "-m", "slipway_workflows.cli")
"""The program `slipway` by the interpreter of this process, which need not be found by PATH."""
MANIFESTS = PROJECT_ROOT / "workflows" / "manifests"
DATASET, SEED = "dataset", "seed"
"""The parameters of a workflow that name its data and its seed."""
OUTSIDE = ("PLATFORM", "TRACKING_URI", "REGISTRY", "APP_BASE", "NOTIFY_URL", "DEPLOY_REPOSITORY", "PUSHGATEWAY_URL")
"""Settings that lead out of this machine. A scenario never touches what people use."""


@dataclass(frozen=True)
class Pipeline:
    """target: what `slipway run` is given. parameters: those that it declares, with their defaults."""

    target: str
    parameters: dict[str, str]

    @property
    def seed(self) -> int:
        """The seed of everything random; 0 where the pipeline has none."""
        given = self.parameters.get(SEED, "")
        return int(given) if given.isdecimal() else 0


def pipeline_of(scenario: E2ETestScenario) -> Pipeline:
    """The pipeline of a scenario. Raises BadInput where there is none, and for data that it cannot be given."""
    if is_file(scenario):
        path = scenario.directory / scenario.pipeline_config_path
        library = load([path], MANIFESTS)
        manifest, target = main_object(library, path), str(path)
    else:
        target = scenario.pipeline_config_path
        library = load([], MANIFESTS)
        manifest = library.template(target)
    spec = manifest["spec"].get("workflowSpec") or manifest["spec"]
    parameters = _parameters(spec)
    reference = spec.get("workflowTemplateRef")
    if isinstance(reference, dict):
        parameters = _parameters(library.template(str(reference.get("name")))["spec"]) | parameters
    if DATASET not in parameters and scenario.data_source != SYNTHETIC:
        raise BadInput(
            f"{scenario.scenario_name}: data_source has no use, {target} takes no parameter {DATASET}", "leave it out"
        )
    return Pipeline(target, parameters)


def _parameters(spec: dict[str, object]) -> dict[str, str]:
    arguments = spec.get("arguments")
    items = arguments.get("parameters") if isinstance(arguments, dict) else None
    return {str(one["name"]): str(one.get("value", "")) for one in items or () if isinstance(one, dict)}


def data_options(scenario: E2ETestScenario, pipeline: Pipeline, directory: Path) -> list[str]:
    """The option that gives the pipeline its data. Synthetic images are drawn below `directory`."""
    if DATASET not in pipeline.parameters:
        return []
    data = scenario.data_source
    if data == SYNTHETIC:
        from slipway_workflows.validation.synthetic import draw_images

        data = str(draw_images(directory / SYNTHETIC, pipeline.seed))
    elif data != DIGITS:
        data = str(scenario.directory / data)
    return ["-p", f"{DATASET}={data}"]


def environment() -> dict[str, str]:
    """The environment of a run: that of this process without the settings that lead to other machines."""
    outside = {"SLIPWAY_HOME", "MLFLOW_TRACKING_URI", *(f"SLIPWAY_{name}" for name in OUTSIDE)}
    return {name: value for name, value in os.environ.items() if name not in outside}


def check_pipelines(scenarios: list[E2ETestScenario]) -> None:
    """Raises BadInput for the first scenario whose pipeline `slipway run` would refuse."""
    with ThreadPoolExecutor(2) as pool:
        faults = list(pool.map(_refusal, scenarios))
    for scenario, fault in zip(scenarios, faults, strict=True):
        if fault:
            raise BadInput(f"{scenario.scenario_name}: {scenario.pipeline_config_path} cannot be run: {fault}")


def _refusal(scenario: E2ETestScenario) -> str:
    pipeline = pipeline_of(scenario)
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [*PROGRAM, "--home", home, "run", pipeline.target, "--dry-run"],
            env=environment(),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    if not done.returncode:
        return ""
    return done.stderr.strip().rpartition("\n")[2].removeprefix("error: ") or f"exit code {done.returncode}"
