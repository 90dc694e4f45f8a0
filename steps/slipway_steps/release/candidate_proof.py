"""What promote and hold check before they act: that the source environment serves exactly this candidate, and that
every gate passed it.
"""

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import Refused
from slipway_steps.domain.evidence import check_evidence
from slipway_steps.domain.journal import Record
from slipway_steps.ports import World
from slipway_steps.release.rollout import take_over


def proven_candidate(world: World, source: Environment, version: str, release: str) -> tuple[Candidate, Record]:
    """The candidate that `source` serves, and the environment's record, once all evidence was checked.

    `version` "" means the version that the source serves. Raises Refused where the source serves something else, where
    its alias points at another version, or where evidence is missing, failed or is about another image.
    """
    current = world.registry.record(source).current
    candidate = world.registry.candidate(version) if version else current
    if candidate is None:
        raise Refused(f"{source} serves nothing", "release a model first: slipway run release-model")
    record = take_over(world, source, release, adopt=candidate)
    if record.current != candidate:
        raise Refused(f"{source} serves {record.current or 'nothing'}, not {candidate}", "promote what it serves")
    check_evidence(candidate, world.registry.evidence(candidate.version))
    if source is not Environment.STAGING and candidate not in record.passed:
        raise Refused(f"{candidate} never passed in {source}", f"promote to {source} first")
    alias = world.registry.alias(source.value)
    if alias != candidate.version:
        raise Refused(f"the alias {source} points at version {alias}, not at {candidate.version}", "deploy it again")
    return candidate, record


def confirm_passed(world: World, source: Environment, record: Record, candidate: Candidate) -> Record:
    """The record once a candidate that passed its tests in staging is noted as staging's `last_good`. Other
    environments stay unchanged.
    """
    if source is not Environment.STAGING or record.last_good == candidate:
        return record
    confirmed = record.confirmed(candidate)
    world.registry.write_record(source, confirmed)
    return confirmed


def close_source(world: World, source: Environment, record: Record, release: str) -> None:
    """Close the source's record where this release owns it, so that other releases may change the environment."""
    if record.open and record.open.release == release:
        world.registry.write_record(source, record.closed())
