"""Checks whether `build-initial` may still put a first version into an environment."""

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import Refused
from slipway_steps.domain.journal import Record
from slipway_steps.domain.verdict import PACKAGE_GATES
from slipway_steps.ports import World

REASON = "first version"
"""The reason in the intent of a `build-initial`. It distinguishes the intent of one that died from that of a
release.
"""


def check_unused(world: World, records: dict[Environment, Record], release: str) -> None:
    """Raises Refused that names the environments that a release has used already, or where another `build-initial`
    still runs.

    An environment that an earlier `build-initial` left half done does not count as used. It is recognised by its
    evidence: of a first version only the packaged model has been judged, while a released version has been judged by
    the gates on staging too.
    """
    for environment, record in records.items():
        intent = record.open
        if intent and intent.release != release and world.platform.release_alive(intent.release):
            raise Refused(
                f"{environment} belongs to {intent.release}, which is still running", "wait until it has ended"
            )
    used = [environment.value for environment, record in records.items() if _used(world, record, release)]
    if used:
        raise Refused(f"{', '.join(used)}: in use", "build-initial is for an installation that has released nothing")


def _used(world: World, record: Record, release: str) -> bool:
    if record.open and record.open.release != release and record.open.reason != REASON:
        return True
    served = {candidate for candidate in (record.current, *record.passed) if candidate}
    return any(_judged(world, candidate) for candidate in served)


def _judged(world: World, candidate: Candidate) -> bool:
    return any(evidence.gate not in PACKAGE_GATES for evidence in world.registry.evidence(candidate.version))
