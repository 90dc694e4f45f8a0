"""Promotes what an environment serves to the next one."""

from pydantic import BaseModel, Field

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment, check_promotion_order, service_host
from slipway_steps.domain.errors import AppError, PlatformError, Refused
from slipway_steps.domain.journal import Intent
from slipway_steps.ports import World
from slipway_steps.release.candidate_proof import close_source, confirm_passed, proven_candidate
from slipway_steps.release.rollout import deploy_and_wait, say, serves, take_over, undo
from slipway_steps.release.step_parameters import OPTIONAL_VERSION, StepParameters
from slipway_steps.release.traffic_share import take_back


class Params(StepParameters):
    """What is promoted: a model version, from one environment to the next."""

    model_version: str = Field(
        "",
        description="MLflow's version of the model; empty: what the source environment serves.",
        pattern=OPTIONAL_VERSION,
    )
    source_environment: Environment = Field(Environment.STAGING, description="The environment in which it passed.")
    target_environment: Environment = Field(
        Environment.CANARY, description="The environment to promote to: the next one after the source."
    )
    approved: bool = Field(False, description="`true`: a person has approved the promotion; production needs that.")
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The step has no outputs: it succeeds or fails."""


def predicts(world: World, environment: Environment, candidate: Candidate) -> bool:
    """Whether the app in its new environment answers its own bundled samples."""
    try:
        answer = world.apps.at(world.platform.url(service_host(world.settings.app, environment))).test()
    except AppError:
        return False
    body = answer.body or {}
    return answer.status == 200 and body.get("version") == candidate.version and bool(body.get("right"))


def run(params: Params, world: World) -> Outputs:
    """Check the evidence, deploy to the target, and move the target's alias once it serves there.

    Raises Refused where a rule forbids it, PlatformError where the candidate does not start in the target, which is
    then reverted to what it served. The source keeps the candidate, because its tests passed.
    """
    source, target = params.source_environment, params.target_environment
    check_promotion_order(source, target)
    if target is Environment.PRODUCTION and not params.approved:
        raise Refused(
            "promotion to production needs a person's approval",
            "ask for it: slipway promote --to production, or the workflow promote-to-production",
        )
    candidate, from_record = proven_candidate(world, source, params.model_version, params.release)
    record = take_over(world, target, params.release)
    from_record = confirm_passed(world, source, from_record, candidate)
    settled = record.open is None and record.current == record.last_good == candidate
    if settled and world.registry.alias(target.value) == candidate.version and serves(world, target, candidate):
        say(f"{target}: serves {candidate} already")
        close_source(world, source, from_record, params.release)
        return Outputs()
    before = record.open.before if record.open else record.current
    record = record.opened(Intent(release=params.release, action="promote", target=candidate, before=before))
    world.registry.write_record(target, record)
    if not (deploy_and_wait(world, target, candidate, params.release) and predicts(world, target, candidate)):
        undo(world, target, record, f"version {candidate.version} did not start in {target}")
        close_source(world, source, from_record, params.release)
        raise PlatformError(
            f"{candidate} passed in {source} but does not serve in {target}; {target} is as it was before",
            f"look at: slipway env logs {target}",
        )
    world.registry.set_alias(target.value, candidate.version)
    record = record.with_current(candidate).confirmed(candidate).closed()
    world.registry.write_record(target, record)
    take_back(world, target, record)
    close_source(world, source, from_record, params.release)
    say(f"{target}: promoted {candidate}")
    return Outputs()
