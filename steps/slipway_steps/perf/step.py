"""The step `perf`: runs a scenario on the cluster, judges it against its baseline, and tells people of a change; or it
measures that baseline.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from slipway_steps.adapters.mlflow.measurements import MlflowMeasurements
from slipway_steps.adapters.targets.choice import make_target
from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_scenario import PerfScenario
from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.domain.plural import so_many
from slipway_steps.domain.verdict import Verdict
from slipway_steps.perf.clean import clean_target
from slipway_steps.perf.driver import SessionInterrupted, run_session
from slipway_steps.perf.keeping import keep
from slipway_steps.perf.modes import mode_names
from slipway_steps.perf.new_baseline import baseline_lines, check_runs, make_baseline
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
    baseline: bool = Field(
        False,
        description="`true`: measure the baseline that later tests are judged against, in place of the one before, as "
        "`slipway perf baseline` does.",
    )
    sessions: int = Field(5, ge=5, le=100, description="Sessions of the baseline, if it is measured.")
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
    by its own limits alone. SIGTERM ends the session that runs: it is kept, and no further one is begun. What killed
    sessions have left at the target is removed before.

    Raises BadInput for a scenario that cannot be used, Broken where the cluster or MLflow cannot be asked, and Refused
    for a session of a baseline that does not pass.
    """
    directory = next((place for place in (GIVEN, SHIPPED) if (place / params.scenario).is_file()), None)
    if directory is None:
        known = sorted(path.name for place in (GIVEN, SHIPPED) for path in place.glob("*.json"))
        raise BadInput(f"there is no scenario {params.scenario}", f"known: {', '.join(known)}")
    store = measurements or MlflowMeasurements(world.settings)
    scenarios = read_scenarios(directory / params.scenario, mode_names(), params.target)
    for scenario in scenarios if params.baseline else ():
        check_runs(scenario)
    # a pod that was lost leaves what Argo's next attempt of this step would else measure beside
    settings = world.settings.model_copy(update={"perf_owner": params.release})
    beside = _clean(targets(params.target, settings))
    judged = []
    for scenario in scenarios:
        measure = partial(_measured, scenario, directory, targets, settings, beside)
        interrupted = False
        try:
            if params.baseline:
                judged += _baseline(params.sessions, measure, store)
                continue
            session = measure()
        except SessionInterrupted as error:
            session, interrupted = error.session, True
        judged.append(_kept(session, store, world))
        if interrupted:
            break
    verdict = _worst([session.verdict for session in judged])
    return Outputs(verdict=verdict, session=judged[-1].name)


def _clean(target: Target) -> list[str]:
    """Remove what killed sessions have left at the target; what cannot be removed costs this test nothing. Returns a
    note on each session that is still there, as its runs may slow ours down.
    """
    notes = []
    try:
        for found in clean_target(target, time.time()):
            print(found, flush=True)
            if found.alone or found.error:
                notes.append(f"another session may have been running beside: {found}")
    except Broken as error:
        print(f"warning: what killed sessions have left could not be looked for: {error}", flush=True)
    return notes


def _measured(
    scenario: PerfScenario,
    directory: Path,
    targets: Callable[[str, Settings], Target],
    settings: Settings,
    beside: Sequence[str],
) -> PerfSession:
    """Run one session. beside: more notes for it. Raises SessionInterrupted after SIGTERM."""
    session = run_session(
        scenario,
        targets(scenario.target, settings),
        directory=settings.home / "perf",
        pipeline=find_pipeline(scenario, directory),
        revision=settings.revision,
    )
    return session.model_copy(update={"notes": [*session.notes, *beside]})


def _baseline(sessions: int, measure: Callable[[], PerfSession], store: Measurements) -> list[PerfSession]:
    """Measure a baseline. Raises Refused, see `make_baseline`."""

    def one(number: int) -> PerfSession:
        session = measure()
        print(f"session {number} of {sessions}", flush=True)
        _say(session)
        return session

    found = make_baseline(sessions, one, store)
    for line in baseline_lines(found):
        print(line, flush=True)
    return found


def _kept(session: PerfSession, store: Measurements, world: World) -> PerfSession:
    """Judge a session against its baseline, store it, and tell of it."""
    kept = keep(session, store, world.notifier, world.settings.pushgateway_url)
    _say(kept.session)
    for warning in filter(None, [*kept.warnings, keep_page(kept.session, store)]):
        print(f"warning: {warning}", flush=True)
    return kept.session


def _say(session: PerfSession) -> None:
    scenario: PerfScenario = session.scenario
    timed = so_many(len(session.timed), "run")
    print(f"{scenario.mode} {scenario.pipeline_file_name}: {session.verdict}, {timed} timed")
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
