"""The last step of a release that was not promoted, after the revert: it always fails, so that the release ends in
red.
"""

from pydantic import BaseModel, Field

from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.verdict import Verdict
from slipway_steps.ports import World
from slipway_steps.release.step_parameters import StepParameters


class ReleaseRejected(SlipwayError):
    """The release was not promoted. Its exit code distinguishes a rejected model from a failure."""

    exit_code = 2


class Params(StepParameters):
    """The verdict that ends the release."""

    verdict: Verdict = Field(description="The first verdict that is not `pass`.")
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The step has no outputs: it always fails."""


def run(params: Params, world: World) -> Outputs:
    """Print the reasons, then fail. Without a failing step, a release that was reverted would end green. Raises
    ReleaseRejected.
    """
    for report in world.registry.reports(params.release):
        for check in report.failures():
            print(f"{report.gate}: {check.verdict}: {check.message}", flush=True)
    raise ReleaseRejected(f"{params.release} was not promoted: {params.verdict}", "the gates' logs say why")
