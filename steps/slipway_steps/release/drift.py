"""Finds and repairs drift: where an environment is no longer what its journal says. `slipway doctor` uses it.

The journal decides. The alias, the image tag, the deployment and the served version have to follow from it. An
environment that a living release works on is left alone.
"""

from dataclasses import dataclass
from enum import StrEnum

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment, image_tag
from slipway_steps.domain.errors import HostUnknown, ImageError, PlatformError
from slipway_steps.domain.journal import Record
from slipway_steps.domain.traffic import Share
from slipway_steps.ports import World
from slipway_steps.release import rollout

DOCTOR = "doctor"
"""What stands for the release in the history of the platform where drift was mended."""
ANSWERS_IN = 5.0
"""Seconds that an environment may take to answer. After that it counts as not serving. An app starts in under 3."""


class Kind(StrEnum):
    """What differs from the journal."""

    UNFINISHED = "unfinished release"
    ALIAS = "alias"
    TAG = "image tag"
    DEPLOYMENT = "deployment"
    SERVING = "serving"
    TRAFFIC = "traffic"
    UNREACHABLE = "not reachable from here"


@dataclass(frozen=True)
class Drift:
    """One difference in an environment: `found` is there, while the journal says `wanted`."""

    environment: Environment
    kind: Kind
    found: str
    wanted: str


def owner(world: World, environment: Environment) -> str:
    """The name of the living release that works on an environment; "" where there is none."""
    intent = world.registry.record(environment).open
    return intent.release if intent and world.platform.release_alive(intent.release) else ""


def find(world: World, environment: Environment) -> list[Drift]:
    """All drift of an environment; none while a living release owns it. Changes nothing."""
    record = world.registry.record(environment)
    intent = record.open
    if intent is not None:
        if world.platform.release_alive(intent.release):
            return []
        found = f"{intent.release} ended in the middle of its {intent.action} of {intent.target or 'nothing'}"
        return [Drift(environment, Kind.UNFINISHED, found, "finished or undone")]
    return [
        *_traffic(world, environment, record),
        *_names(world, environment, record),
        *_running(world, environment, record),
    ]


def _traffic(world: World, environment: Environment, record: Record) -> list[Drift]:
    """The canary has a share only while a release gives it one, and no release works on the environment here."""
    if environment is not Environment.PRODUCTION:
        return []
    percent = world.traffic.share().percent
    told = f"; {record.traffic.release} has not taken it back" if record.traffic else ""
    return [Drift(environment, Kind.TRAFFIC, f"{percent} % to the canary{told}", "0 %")] if percent or told else []


def _names(world: World, environment: Environment, record: Record) -> list[Drift]:
    found, current = [], record.current
    alias, wanted = world.registry.alias(environment.value), current.version if current else None
    if alias != wanted:
        found.append(Drift(environment, Kind.ALIAS, _version(alias), _version(wanted)))
    if current is not None:
        name = image_tag(environment, current.version)
        there = world.images.resolve(name)
        if there != current.digest:
            found.append(Drift(environment, Kind.TAG, f"{name} -> {there or 'nothing'}", f"{name} -> {current.digest}"))
    return found


def _version(version: str | None) -> str:
    return f"version {version}" if version else "none"


def _running(world: World, environment: Environment, record: Record) -> list[Drift]:
    current, told = record.current, world.platform.deployed(environment)
    if told != current:
        return [Drift(environment, Kind.DEPLOYMENT, str(told or "nothing"), str(current or "nothing"))]
    try:
        if current is None or _answers(world, environment, record):
            return []
    except HostUnknown as error:
        return [Drift(environment, Kind.UNREACHABLE, str(error), f"answers as {current}")]
    found = rollout.describe(world.platform.observe(environment))
    return [Drift(environment, Kind.SERVING, found, f"answers as {current}")]


def _answers(world: World, environment: Environment, record: Record) -> bool:
    if record.current is None:
        return True
    return bool(
        Retrying(
            retry=retry_if_result(lambda value: not value),
            stop=stop_after_delay(min(ANSWERS_IN, world.settings.healthy_timeout)),
            wait=wait_fixed(rollout.POLL),
            retry_error_callback=lambda _: False,
        )(rollout.serves, world, environment, record.current)
    )


def mend(world: World, environment: Environment) -> list[Drift]:
    """Bring an environment back to what its journal says. Returns the drift that remains.

    What a dead release left half done is completed or undone first. Running it again changes nothing more. Raises
    PlatformError where the version of the journal does not start, ImageError where its image is gone, HostUnknown,
    before anything is changed, where the name of the app does not resolve here.
    """
    drift = find(world, environment)
    if not drift:
        return []
    record = world.registry.record(environment)
    if any(one.kind is not Kind.ALIAS and one.kind is not Kind.TAG for one in drift) and record.current is not None:
        _check_name(world, environment, record.current)
    if drift[0].kind is Kind.UNFINISHED and record.open is not None:
        rollout.undo(world, environment, record, f"release {record.open.release} died")
        return find(world, environment)
    kinds = {one.kind for one in drift}
    if Kind.TRAFFIC in kinds:
        world.traffic.set_share(Share())
        record = record.with_traffic(None)
        world.registry.write_record(environment, record)
    current = record.current
    if current is None:
        if Kind.DEPLOYMENT in kinds:
            world.platform.empty(environment, DOCTOR)
        if Kind.ALIAS in kinds:
            world.registry.delete_alias(environment.value)
        return find(world, environment)
    if Kind.TAG in kinds:
        _retag(world, environment, record)
    if kinds & {Kind.DEPLOYMENT, Kind.SERVING} and not rollout.deploy_and_wait(world, environment, current, DOCTOR):
        raise PlatformError(
            f"{environment}: {current} does not start", f"go back to what passed before: slipway revert {environment}"
        )
    if Kind.ALIAS in kinds:
        world.registry.set_alias(environment.value, current.version)
    return find(world, environment)


def _check_name(world: World, environment: Environment, current: Candidate) -> None:
    """Raises HostUnknown where the app that runs has a name that does not resolve here."""
    if world.platform.deployed(environment) is not None:
        rollout.answers_as(world, environment, current)


def _retag(world: World, environment: Environment, record: Record) -> None:
    current = record.current
    if current is None:
        return
    try:
        world.images.tag(current.digest, image_tag(environment, current.version))
    except ImageError as error:
        hint = f"go back to a version whose image exists: slipway revert {environment}"
        raise ImageError(f"{environment}: the image of {current} is gone: {error}", hint) from error
