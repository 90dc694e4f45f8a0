"""The step `perf`: runs a scenario on the cluster, judges it against its baseline, and tells people of a change."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from slipway_steps.adapters.mlflow.measurements import MlflowMeasurements
from slipway_steps.adapters.targets.choice import make_target
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.driver import SessionInterrupted, run_session
from slipway_steps.perf.keeping import keep
from slipway_steps.perf.modes import mode_names
from slipway_steps.perf.page import keep_page
from slipway_steps.perf.scenario_file import find_pipeline, read_scenarios
from slipway_steps.perf_ports import Measurements, Target
from slipway_steps.ports import World
from slipway_steps.settings import PROJECT_ROOT, Settings

GIVEN = Path("/etc/slipway/perf")
"""Where the template mounts the ConfigMap `slipway-perf`: its keys are files, scenarios and their pipelines."""
SHIPPED = PROJECT_ROOT / "workflows" / "perf" / "scenarios"
"""The scenarios that Slipway brings."""


class Params(BaseModel):
    """What is measured, and where it runs."""

    scenario: str = Field(
        "training.json",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Scenario: a key of the ConfigMap `slipway-perf`, else one that Slipway brings.",
    )
    target: Literal["argo", "kfp"] = Field("argo", description="Where its pipeline runs.")
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The verdict, and the session's name for `slipway perf history`."""

    verdict: Verdict
    session: str


def run(
    params: Params,
    world: World,
    *,
    targets: Callable[[str, Settings], Target] = make_target,
    measurements: Measurements | None = None,
) -> Outputs:
    """Run the scenarios of a file one after the other; the worst verdict counts. Without a baseline a session is judged
    by its own limits alone. SIGTERM ends the session that runs: it is kept, and no further one is begun. Raises
    BadInput for a scenario that cannot be used, Broken where the cluster or MLflow cannot be asked.
    """
    directory = next((place for place in (GIVEN, SHIPPED) if (place / params.scenario).is_file()), None)
    if directory is None:
        known = sorted(path.name for place in (GIVEN, SHIPPED) for path in place.glob("*.json"))
        raise BadInput(f"there is no scenario {params.scenario}", f"known: {', '.join(known)}")
    store = measurements or MlflowMeasurements(world.settings)
    judged = []
    for scenario in read_scenarios(directory / params.scenario, mode_names()):
        asked = scenario.model_copy(update={"target": params.target})
        pipeline = find_pipeline(asked, directory)
        target = targets(params.target, world.settings)
        interrupted = False
        try:
            session = run_session(
                asked,
                target,
                directory=world.settings.home / "perf",
                pipeline=pipeline,
                revision=world.settings.revision,
            )
        except SessionInterrupted as error:
            session, interrupted = error.session, True
        judged.append(_kept(session, store, world))
        if interrupted:
            break
    verdict = _worst([session.verdict for session in judged])
    return Outputs(verdict=verdict, session=judged[-1].name)


def _kept(session: PerfSession, store: Measurements, world: World) -> PerfSession:
    """Judge a session against its baseline, store it, and tell of it."""
    kept = keep(session, store, world.notifier, world.settings.pushgateway_url)
    _say(kept.session)
    for warning in filter(None, [*kept.warnings, keep_page(kept.session, store)]):
        print(f"warning: {warning}", flush=True)
    return kept.session


def _say(session: PerfSession) -> None:
    scenario: PerfScenario = session.scenario
    print(f"{scenario.mode} {scenario.pipeline_file_name}: {session.verdict}, {len(session.timed)} runs timed")
    for metric, what in METRICS.items():
        median = session.median(metric)
        told = f"median {median:.6g} {what.unit}" if median is not None else session.unmeasured.get(metric, "")
        if told:
            print(f"  {metric}: {told}")
    for check in session.checks:
        if check.verdict is not Verdict.PASS:
            print(f"  {check.verdict}: {check.message}")
    for error in session.errors:
        print(f"  error: {error}", flush=True)


def _worst(verdicts: list[Verdict]) -> Verdict:
    order = (Verdict.REJECT, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS)
    return next((one for one in order if one in verdicts), Verdict.INCONCLUSIVE)
