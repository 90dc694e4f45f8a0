"""The last step of a release that was not promoted, after the revert: it always fails, so that the release ends in
red.
"""

from pydantic import BaseModel, Field

from slipway_steps.domain.check_text import check_text
from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.verdict import Gate, Verdict
from slipway_steps.ports import World
from slipway_steps.release.step_parameters import StepParameters


class ReleaseRejected(SlipwayError):
    """The release was not promoted. Its exit code distinguishes a rejected model from a failure."""

    exit_code = 2


class Params(StepParameters):
    """Why the release was not promoted."""

    verdict: Verdict = Field(Verdict.REJECT, description="The first verdict that is not `pass`.")
    reason: str = Field("", description="Why it was not promoted, where no gate decided that; empty: a gate did.")
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The step has no outputs: it always fails."""


def run(params: Params, world: World) -> Outputs:
    """Print the reasons, then fail. Without a failing step, a release that was reverted would end green. Raises
    ReleaseRejected.
    """
    what = f"{params.release} was not promoted"
    if params.reason:
        raise ReleaseRejected(f"{what}: {params.reason}")
    reports = sorted(world.registry.reports(params.release), key=lambda report: list(Gate).index(report.gate))
    faults = [(report.gate, check) for report in reports for check in report.failures()]
    for gate, check in faults:
        print(f"{gate}: {check.verdict}: {check.message}", flush=True)
    if not faults:
        raise ReleaseRejected(f"{what}: {params.verdict}", "no gate rejected it; see the steps that failed")
    gate, check = faults[0]
    raise ReleaseRejected(f"{what}: {params.verdict} by {gate}: {check_text(check)}", "the gates' logs say more")
