"""What a person needs to know before approving a promotion: the first step of `promote-to-production`."""

from collections.abc import Iterable

from pydantic import BaseModel, Field

from slipway_steps.domain.check_text import check_text
from slipway_steps.domain.environment import Environment, check_promotion_order
from slipway_steps.domain.errors import Refused
from slipway_steps.domain.evidence import Evidence, check_evidence
from slipway_steps.domain.plain_text import plain_line
from slipway_steps.domain.verdict import RELEASE_GATES, Gate, GateReport
from slipway_steps.ports import World
from slipway_steps.release.links import model_link, workflow_link
from slipway_steps.release.rollout import say
from slipway_steps.release.step_parameters import OPTIONAL_VERSION, StepParameters


class Params(StepParameters):
    """The promotion that a person is asked about."""

    model_version: str = Field(
        "",
        description="MLflow's version of the model; empty: what the source environment serves.",
        pattern=OPTIONAL_VERSION,
    )
    source_environment: Environment = Field(Environment.CANARY, description="The environment that serves it now.")
    target_environment: Environment = Field(Environment.PRODUCTION, description="The environment to promote it to.")
    release: str = Field(description="Name of the workflow.")


class Outputs(BaseModel):
    """The version and its image, what it would replace, what each gate measured, and links; each is one line."""

    model_version: str
    digest: str
    replaces: str
    evaluation: str
    handler: str
    resources: str
    integration: str
    load: str
    links: str


def run(params: Params, world: World) -> Outputs:
    """Collect the evidence; nothing is changed. Raises Refused where the promotion would be refused after an approval,
    so that nobody is asked in vain.
    """
    source, target = params.source_environment, params.target_environment
    check_promotion_order(source, target)
    record = world.registry.record(source)
    current = record.current
    if current is None:
        raise Refused(f"{source} serves nothing", f"promote a version to it first: slipway promote --to {source}")
    if params.model_version not in ("", current.version):
        raise Refused(f"{source} serves {current}, not version {params.model_version}", "ask for what it serves")
    evidence = {item.gate: item for item in world.registry.evidence(current.version)}
    check_evidence(current, evidence.values())
    replaced = world.registry.record(target).current
    releases = {evidence[gate].release for gate in RELEASE_GATES}
    reports = {release: world.registry.reports(release) for release in releases}
    measured = {gate: _measured(evidence[gate], reports[evidence[gate].release]) for gate in RELEASE_GATES}
    outputs = Outputs(
        model_version=current.version,
        digest=current.digest,
        replaces=f"version {replaced.version} ({replaced.digest})" if replaced else "nothing",
        **{gate.value: plain_line(text) for gate, text in measured.items()},
        links=plain_line(" ".join(_links(world, current.version, evidence[Gate.LOAD].release))) or "none",
    )
    for name, value in outputs:
        say(f"{name.replace('_', '-')}: {value}")
    return outputs


def _measured(item: Evidence, reports: Iterable[GateReport]) -> str:
    """The verdict of a gate with what it measured, such as `pass: p95 41 ms, limit 2000 ms`. reports: of its release;
    one on the packaged model names no version where it was written before the model was registered.
    """
    for report in reports:
        if report.gate is item.gate and report.candidate.version in ("", item.version):
            return f"{item.verdict}: {'; '.join(map(check_text, report.checks))}"
    return item.verdict.value


def _links(world: World, version: str, release: str) -> list[str]:
    return [link for link in (workflow_link(world.settings, release), model_link(world.settings, version)) if link]
