"""The evaluation of a model: runs pytest over a directory that the user owns on the packaged model, and reads the
results from JUnit XML.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pydantic import BaseModel, Field

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.knob import Knob, limits
from slipway_steps.domain.package import read_package
from slipway_steps.domain.performance import Category
from slipway_steps.domain.scenario import Scenario, drawn_accuracy
from slipway_steps.domain.verdict import Check, Gate, GateReport, Verdict, judge
from slipway_steps.ports import World
from slipway_steps.release.junit_checks import checks_of
from slipway_steps.release.programs import failure
from slipway_steps.release.step_parameters import StepParameters

RAN, FAILED, NO_TESTS = 0, 1, 5
"""The exit codes of pytest after which the results say something about the model. With any other, the tests did not
run.
"""
ALONE = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Installed plugins are not loaded: importing them takes longer than the tests. A conftest.py may name those it
needs.
"""
TIMEOUT = 600
"""Seconds for all tests. 360 images take one second; a user's own data set may take minutes."""
KNOBS = (
    Knob("batch", Category.MEMORY, "EVALUATION_BATCH", "16", ("8", "32")),
    Knob("threads", Category.CPU, "EVALUATION_THREADS", "0", ("1",)),
    Knob("allocator-arenas", Category.MEMORY, "MALLOC_ARENA_MAX", "", ("1",)),
    *limits("2Gi"),
)
"""What `slipway optimize evaluate` tries."""


class Params(StepParameters):
    """The run that holds the packaged model, and the thresholds it has to reach."""

    run_id: str = Field(description="MLflow run that holds the packaged model.")
    scenario: Scenario = Field(Scenario.NORMAL, description="What the release is to demonstrate.")
    seed: int = Field(0, description="Seed of everything random.", ge=0)
    accuracy_min: float = Field(
        0.80,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Share of held-out images (0 to 1) that the model has to label correctly.",
    )
    loss_max: float = Field(
        0.60,
        gt=0,
        allow_inf_nan=False,
        description="Mean cross-entropy on held-out images, in nats, that the model may have at most.",
    )
    recall_min: float = Field(
        0.50, ge=0, le=1, allow_inf_nan=False, description="Recall (0 to 1) that every single class has to reach."
    )
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The verdict of the evaluation."""

    verdict: Verdict


def run(params: Params, world: World) -> Outputs:
    """Run the tests and store the report. The verdict is `inconclusive` where no test was executed. Raises BadInput
    where the tests cannot run.
    """
    started = time.time()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        package = read_package(world.registry.download_package(params.run_id, directory / "package"))
        checks, details = evaluate(params, world.settings.train_directory / "evaluation", package.directory, directory)
        report = GateReport(
            gate=Gate.EVALUATION,
            candidate=Candidate(version="", digest=""),
            release=params.release,
            verdict=judge(checks),
            checks=checks,
            started_at=started,
            finished_at=time.time(),
            series=details | {"labels": package.contract.labels, "history": package.history},
        )
        files = []
        if "confusion_matrix" in details:
            from slipway_steps.release.confusion_matrix import draw

            files.append(draw(details["confusion_matrix"], package.contract.labels, directory / "confusion-matrix.png"))
        world.registry.save_report(params.run_id, report, files)
    for check in checks:
        print(f"{check.verdict}: {check.message}", flush=True)
    print(f"evaluation: {report.verdict}", flush=True)
    return Outputs(verdict=report.verdict)


def evaluate(
    params: Params, tests: Path, package: Path, directory: Path
) -> tuple[list[Check], dict[str, list[object]]]:
    """Run pytest. Returns one check for each test, and the content of details.json, which the tests write.

    Raises BadInput for tests that cannot run or take too long, Broken where something outside ended pytest.
    """
    if not tests.is_dir():
        raise BadInput(f"there is no evaluation directory {tests}", "put pytest files there")
    junit, details = directory / "junit.xml", directory / "details.json"
    given = {
        "EVALUATION_PACKAGE": str(package),
        "EVALUATION_DETAILS": str(details),
        "EVALUATION_ACCURACY_MIN": str(params.accuracy_min),
        "EVALUATION_LOSS_MAX": str(params.loss_max),
        "EVALUATION_RECALL_MIN": str(params.recall_min),
    }
    if params.scenario is Scenario.FLAKY_METRICS:
        given["EVALUATION_DRAWN_ACCURACY"] = str(drawn_accuracy(params.seed))
    command = [sys.executable, "-m", "pytest", str(tests), f"--junitxml={junit}", f"--rootdir={tests}"]
    # no plugin and no configuration file of the current directory may change the results
    options = [
        "-c",
        os.devnull,
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "junit_family=xunit1",  # the format that keeps the properties of a test
        "--import-mode=importlib",
        "--tb=short",
    ]
    try:
        done = subprocess.run(
            [*command, *options],
            env={**os.environ, **given, **ALONE},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BadInput(f"the evaluation took more than {TIMEOUT} s", "are its tests too slow?") from error
    print(done.stdout, flush=True)
    if done.returncode not in (RAN, FAILED, NO_TESTS):
        raise failure(f"pytest over {tests}", done.returncode, "the tests could not run")
    found = json.loads(details.read_text()) if details.exists() else {}
    return checks_of(junit), found
