"""The readiness checklist of a system: for each of its sections what was checked, or that nothing was."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.health import HealthReport, HealthState
from slipway_steps.domain.validation import E2ETestResult, ReadinessSection
from slipway_steps.domain.verdict import Verdict
from slipway_steps.settings import Settings

if TYPE_CHECKING:
    from slipway_workflows.validation.deployment import Validated

DEPLOYED = ("images", "compose.yaml")
"""What a working directory usually holds that is to be deployed. Charts are named, as each needs its own values."""
NEAR = 0.85
"""The share of a limit above which a scenario has little left of it."""
VERDICTS = {
    HealthState.HEALTHY: Verdict.PASS,
    HealthState.DEGRADED: Verdict.PASS,
    HealthState.UNHEALTHY: Verdict.REJECT,
}
BY_A_PERSON = "a person does this: docs/operations.md"


def sections_of(
    results: Sequence[E2ETestResult],
    settings: Settings,
    directory: Path,
    paths: Sequence[Path] = (),
    values: Sequence[Path] = (),
) -> list[ReadinessSection]:
    """All sections, in the order of the checklist.

    directory: where what is to be deployed is looked for; paths: what it is instead; values: for the charts of paths.
    """
    health = _health(settings)
    deployed = list(paths) or [path for name in DEPLOYED if (path := directory / name).exists()]
    workflows = directory / ".github" / "workflows"
    containers, found = _deployment("Containerization", deployed, values, f"there is no {', no '.join(DEPLOYED)}")
    if not paths and (directory / "charts").is_dir():
        containers.lines.append("charts/ was not validated: name a chart by --deployment, and its values by -f")
    return [
        _scenarios(results),
        _limits(results, health),
        _deployment("CI/CD", [workflows] if workflows.is_dir() else [], (), "there is no .github/workflows")[0],
        containers,
        _monitoring(health),
        ReadinessSection(title="Documentation", verdict=None, lines=[BY_A_PERSON]),
        _security(found),
        ReadinessSection(title="Backup and recovery", verdict=None, lines=[BY_A_PERSON]),
    ]


def _scenarios(results: Sequence[E2ETestResult]) -> ReadinessSection:
    bad = [f"{one.scenario_name}: {', '.join(one.faults)}" for one in results if not one.success]
    broken = any(one.verdict is Verdict.ERROR for one in results)
    verdict = Verdict.PASS if not bad else Verdict.ERROR if broken else Verdict.REJECT
    return ReadinessSection(
        title="System validation",
        verdict=verdict,
        lines=[f"{len(results) - len(bad)} of {len(results)} scenarios as expected", *bad],
    )


def _limits(results: Sequence[E2ETestResult], health: HealthReport) -> ReadinessSection:
    """What is left of time and memory, and how fast this machine is."""
    near = []
    for one in results:
        memory = one.peak_memory_usage / one.memory_limit_gb
        time = one.total_duration / (60 * one.timeout_minutes)
        near += [
            f"{one.scenario_name} used {share:.0%} of its {what}"
            for share, what in ((memory, "memory limit"), (time, "timeout"))
            if share > NEAR
        ]
    machine = next((one for one in health.components if one.component == "performance"), None)
    said = [f"this machine: {machine.message}"] if machine else []
    unfit = machine is not None and machine.state is HealthState.UNHEALTHY
    return ReadinessSection(
        title="Performance",
        verdict=Verdict.REJECT if near or unfit else Verdict.PASS,
        lines=[*(near or [f"no scenario used more than {NEAR:.0%} of a limit"]), *said],
    )


def _health(settings: Settings) -> HealthReport:
    from slipway_steps.health.check import HealthCheck, probes_of

    return HealthCheck(probes_of(settings)).run()


def _monitoring(health: HealthReport) -> ReadinessSection:
    unwell = [one for one in health.components if one.state is not HealthState.HEALTHY]
    return ReadinessSection(
        title="Monitoring",
        verdict=VERDICTS[health.overall],
        lines=[f"health: {health.summary}", *(f"{one.component} {one.state}: {one.message}" for one in unwell)],
    )


def _deployment(
    title: str, paths: Sequence[Path], values: Sequence[Path], why_not: str
) -> "tuple[ReadinessSection, Validated | None]":
    """A section of what the validator of deployments finds, and what it found; not run without paths."""
    if not paths:
        return ReadinessSection(title=title, verdict=None, lines=[why_not]), None
    from slipway_workflows.validation.deployment import validate

    try:
        found = validate(paths, values)
    except SlipwayError as error:
        # what another extra installs is needed for this alone
        verdict = None if "not installed" in error.message else Verdict.ERROR
        return ReadinessSection(title=title, verdict=verdict, lines=[str(error)]), None
    findings = [f"{one.file}:{one.line}  {one.rule}  {one.message}" for one in found.findings]
    return (
        ReadinessSection(
            title=title,
            verdict=Verdict.REJECT if findings else Verdict.PASS,
            lines=[f"{len(findings)} findings in {found.what}", *findings],
        ),
        found,
    )


def _security(found: "Validated | None") -> ReadinessSection:
    """Whether policies were asked; what they found is part of the containers' section."""
    state = found.layers.get("policies", "") if found else "nothing was validated that is to be deployed"
    if state != "run":
        return ReadinessSection(title="Security", verdict=None, lines=[f"policies: {state.removeprefix('not run: ')}"])
    assert found  # noqa: S101 - for mypy: only what was found has run
    policies = [one for one in found.findings if one.rule.startswith("CKV")]
    return ReadinessSection(
        title="Security",
        verdict=Verdict.REJECT if policies else Verdict.PASS,
        lines=[f"{len(policies)} policies broken"],
    )
