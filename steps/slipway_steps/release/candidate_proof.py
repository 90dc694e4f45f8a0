"""What promote and hold ask of a source: that it serves this very candidate, and that every gate passed it."""

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import Refused
from slipway_steps.domain.evidence import check_evidence
from slipway_steps.domain.journal import Record
from slipway_steps.ports import World
from slipway_steps.release.rollout import take_over


def proven(world: World, source: Environment, version: str, release: str) -> tuple[Candidate, Record]:
    """The candidate that `source` serves and its record, with all evidence there.

    `version` "" means: what the source holds. Raises Refused where the source serves something else, where its alias
    points elsewhere, or where evidence is missing, failed or another image's.
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


def confirm(world: World, source: Environment, record: Record, candidate: Candidate) -> Record:
    """Its tests passed in staging: it is what staging goes back to from now on."""
    if source is not Environment.STAGING or record.last_good == candidate:
        return record
    confirmed = record.confirmed(candidate)
    world.registry.write_record(source, confirmed)
    return confirmed


def release_source(world: World, source: Environment, record: Record, release: str) -> None:
    """The release ends its hold on the source."""
    if record.open and record.open.release == release:
        world.registry.write_record(source, record.closed())
