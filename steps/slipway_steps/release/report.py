"""Writes the HTML report of a release on a cluster, and stores it in the release's run in MLflow.

On one machine `slipway run` writes the report when the workflow has ended.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import SlipwayError
from slipway_steps.ports import World
from slipway_steps.release import links
from slipway_steps.release.programs import failure
from slipway_steps.release.rollout import say
from slipway_steps.release.step_parameters import StepParameters

PROGRAM = "slipway_workflows.report"
"""The module that makes the page of what it reads from a file. Steps import nothing of the package that it is in, so it
runs as a program of its own."""
UNDO_TIMEOUT = 180.0
"""Seconds to wait for the step `finish`, which runs beside this one and may be undoing what the release left open."""


class Params(StepParameters):
    """The release that has ended, and how."""

    release: str = Field(description="Name of the workflow.")
    workflow_status: str = Field("", description="Phase of the workflow: Succeeded, Failed or Error.")


class Outputs(BaseModel):
    """Where people find the report; `none` on one machine."""

    report_url: str


def run(params: Params, world: World) -> Outputs:
    """Write the report from the stored workflow, the reports of the gates and what the environments serve now.

    Raises BadInput where the report cannot be made, Broken where something outside failed.
    """
    stored = world.platform.stored_workflow(params.release)
    if stored is None:
        say("the report of a release on one machine is written by slipway run, when the workflow has ended")
        return Outputs(report_url="none")
    _wait_until_undone(params.release, world)
    given = {
        "workflow": stored,
        "phase": params.workflow_status,
        "reports": [report.model_dump(mode="json") for report in world.registry.reports(params.release)],
        "environments": {environment.value: _status(world, environment) for environment in Environment},
    }
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory) / Path(links.REPORT).name
        _write(given, Path(directory) / "release.json", page)
        address = world.registry.save_page(params.release, page)
    url = links.report_link(world.settings, address)
    say(f"report: {url}")
    return Outputs(report_url=url)


def _wait_until_undone(release: str, world: World, poll: float = 1.0) -> None:
    """Wait until no environment is open for this release any more; after three minutes report what is there."""

    def is_open() -> bool:
        records = [world.registry.record(environment) for environment in Environment]
        return any(record.open is not None and record.open.release == release for record in records)

    try:
        Retrying(retry=retry_if_result(bool), stop=stop_after_delay(UNDO_TIMEOUT), wait=wait_fixed(poll))(is_open)
    except RetryError:
        say("warning: the release still has an environment open; the report shows it as it is")


def _status(world: World, environment: Environment) -> dict[str, str | None]:
    """The fields of one environment, as in `slipway status --output json`."""
    try:
        now = world.platform.status(environment).model_dump(exclude={"restarts"})
    except SlipwayError as error:
        now = {"version": None, "digest": None, "phase": "Unknown", "url": None, "message": str(error)}
    good = world.registry.record(environment).last_good
    return now | {"last_good": good.version if good else None}


def _write(given: dict[str, Any], source: Path, page: Path) -> None:
    """Run the program that makes the page. Raises the error of `failure` where it fails."""
    source.write_text(json.dumps(given), encoding="utf-8")
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", PROGRAM, str(source), str(page)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise failure("the program that writes the report", done.returncode, done.stdout.strip()[-500:])
    say(f"written in {time.monotonic() - began:.1f} s")
