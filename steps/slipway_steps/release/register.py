"""Registers a model whose package passed its gates."""

from pydantic import BaseModel, Field

from slipway_steps.domain.environment import DEVELOPMENT
from slipway_steps.domain.errors import Refused
from slipway_steps.domain.verdict import PACKAGE_GATES, Verdict
from slipway_steps.ports import World
from slipway_steps.release.rollout import say
from slipway_steps.release.step_parameters import StepParameters


class Params(StepParameters):
    """The run whose model is registered."""

    run_id: str = Field(description="MLflow run that holds the packaged model and the reports on it.")
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The registered model version."""

    model_version: str


def run(params: Params, world: World) -> Outputs:
    """Create a model version from the run's model, and point the alias `development` at it. Running it again gives the
    same version.

    Raises Refused unless every gate on the packaged model passed.
    """
    verdicts = {report.gate: report.verdict for report in world.registry.reports_of(params.run_id)}
    for gate in PACKAGE_GATES:
        if verdicts.get(gate) is not Verdict.PASS:
            said = f"{gate}: {verdicts.get(gate, 'never ran')}"
            raise Refused(f"run {params.run_id} is not registered: {said}", "only what passed is registered")
    version = world.registry.register(params.run_id)
    world.registry.adopt_reports(params.run_id, version)
    world.registry.set_alias(DEVELOPMENT, version)
    say(f"registered version {version}; alias {DEVELOPMENT} points at it")
    return Outputs(model_version=version)
