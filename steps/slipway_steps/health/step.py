"""The step `health`: checks the health of the installation from inside of the cluster, and tells people of trouble."""

from pydantic import BaseModel, Field

from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.health import HealthReport, HealthState
from slipway_steps.health.check import HealthCheck, probes_of
from slipway_steps.health.lines import lines_of
from slipway_steps.ports import World


class NotHealthy(SlipwayError):
    """A component that releases need cannot be used."""


class Params(BaseModel):
    """What counts as trouble."""

    strict: bool = Field(False, description="`true`: a degraded component is trouble too.")
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The worst state of a component."""

    health: HealthState


def run(params: Params, world: World) -> Outputs:
    """Check all components and print a line for each; tell people where one is in trouble. Raises NotHealthy then."""
    report = HealthCheck(probes_of(world.settings)).run()
    for line in lines_of(report):
        print(line, flush=True)
    trouble = _trouble(report, params.strict)
    if trouble:
        try:
            world.notifier.notify(f"{params.release}: {report.summary}", trouble)
        except SlipwayError as error:
            print(f"warning: {error}", flush=True)
        raise NotHealthy(f"{report.summary}: {'; '.join(trouble)}", "see the lines above")
    return Outputs(health=report.overall)


def _trouble(report: HealthReport, strict: bool) -> list[str]:
    bad = (HealthState.UNHEALTHY, HealthState.DEGRADED) if strict else (HealthState.UNHEALTHY,)
    return [f"{one.component} {one.state}: {one.message}" for one in report.components if one.state in bad]
