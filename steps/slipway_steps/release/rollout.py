"""What deploy, promote and revert share: deploy a candidate and wait for it, take over from a dead release, undo.

The order of writes is: the intent, then the platform, then the alias, then the result. An action that is killed in
between leaves a record that tells the next one what to do, and doing any part of it twice changes nothing more.
"""

import time

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment, image_tag, service_host
from slipway_steps.domain.errors import AppError, HostUnknown, PlatformError, Refused
from slipway_steps.domain.journal import Intent, Record, revert_target
from slipway_steps.domain.pods import Observation
from slipway_steps.ports import World
from slipway_steps.release.traffic_share import take_back

POLL = 0.2
"""Seconds between two observations of an environment that is starting; a start takes one to three."""
FATAL_RESTARTS = 2
"""Restarts after which a candidate that was never ready counts as unhealthy: the same start failed three times."""
FATAL_REASONS = {"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError"}
"""Reasons why a container waits that seldom pass within the time that a deployment may take."""


NAMED_IN = 35.0
"""Seconds after which the name of a new Service resolves: a cluster's DNS remembers for up to 30 s that it was none."""


def say(text: str) -> None:
    """Print one line of progress at once."""
    print(text, flush=True)


def cannot_become_ready(observation: Observation) -> bool:
    """Whether waiting longer cannot help: the platform has given up, a pod fails again and again, or its image cannot
    be pulled.
    """
    return observation.rollout.given_up or any(
        not pod.ready and (pod.restarts >= FATAL_RESTARTS or pod.state.reason in FATAL_REASONS)
        for pod in observation.pods
    )


def is_up(observation: Observation, candidate: Candidate) -> bool:
    """Whether the pods are this candidate's, all of them ready, and no other is left."""
    ready = [pod.ready and pod.digest == candidate.digest for pod in observation.pods]
    return observation.rollout.complete and bool(ready) and all(ready)


def serves(
    world: World, environment: Environment, candidate: Candidate, observation: Observation | None = None
) -> bool:
    """Whether its pods are up, as `observation` (else a new one) has it, and the app answers with exactly this version
    and digest.
    """
    if not is_up(observation or world.platform.observe(environment), candidate):
        return False
    return answers_as(world, environment, candidate)


def answers_as(world: World, environment: Environment, candidate: Candidate) -> bool:
    """Whether the app answers with exactly this version and digest. Raises HostUnknown: its name does not resolve."""
    try:
        answer = world.apps.at(world.platform.url(service_host(world.settings.app, environment))).version()
    except HostUnknown:
        raise
    except AppError:
        return False
    body = answer.body or {}
    return answer.status == 200 and (body.get("version"), body.get("digest")) == (candidate.version, candidate.digest)


def deploy_and_wait(world: World, environment: Environment, candidate: Candidate, release: str = "") -> bool:
    """Deploy a candidate and wait, for at most the setting `healthy_timeout`, until it serves. Returns whether it
    does. release: the workflow that does it, for the platform's own history.
    """
    world.images.tag(candidate.digest, image_tag(environment, candidate.version))
    world.platform.deploy(environment, candidate, release)
    say(f"{environment}: deploying {candidate}")
    started = time.monotonic()

    def state() -> bool | None:
        seen = world.platform.observe(environment)
        try:
            if serves(world, environment, candidate, seen):
                return True
        except HostUnknown:
            # a Service that was created a moment ago has no name yet
            if time.monotonic() - started > NAMED_IN:
                raise
        return False if cannot_become_ready(seen) else None

    found = Retrying(
        retry=retry_if_result(lambda value: value is None),
        stop=stop_after_delay(world.settings.healthy_timeout),
        wait=wait_fixed(POLL),
        retry_error_callback=lambda _: None,
    )(state)
    if found:
        say(f"{environment}: healthy, serves version {candidate.version}")
        return True
    say(f"{environment}: not healthy: {describe(world.platform.observe(environment))}")
    return False


def describe(observation: Observation) -> str:
    """The pods of an environment, and what their replacement waits for, in one line."""
    parts = [] if observation.pods else ["no pod"]
    for pod in observation.pods:
        last = f", last {pod.last_state.reason}" if pod.last_state else ""
        parts.append(f"{pod.name} {pod.state.reason or pod.state.kind}{last}, {pod.restarts} restarts")
    if observation.rollout.message:
        parts.append(observation.rollout.message)
    return "; ".join(parts)


def complete_revert(world: World, environment: Environment, record: Record) -> Record:
    """Do what the record's open intent to revert says, and close the record.

    Raises PlatformError where the version to go back to does not start. The record then stays open, so that running the
    revert again continues it.
    """
    intent = record.open
    if intent is None:
        return record
    if intent.target is None:
        world.platform.empty(environment, intent.release)
        world.registry.delete_alias(environment.value)
        say(f"{environment}: there is no version to go back to: it was emptied and its alias removed")
    else:
        if not deploy_and_wait(world, environment, intent.target, intent.release):
            raise PlatformError(
                f"{environment}: {intent.target}, which passed here before, does not start",
                f"look at: slipway env logs {environment}; then run the revert again",
            )
        world.registry.set_alias(environment.value, intent.target.version)
    closed = record.with_current(intent.target).closed()
    if intent.before and intent.before != intent.target:
        world.registry.note(intent.before.version, f"reverted.{environment}", f"{intent.reason} ({intent.release})")
    world.registry.write_record(environment, closed)
    if intent.target:
        say(f"{environment}: serves version {intent.target.version} again")
    return closed


def undo(world: World, environment: Environment, record: Record, reason: str) -> Record:
    """End what the open release left half done. A revert is completed, a candidate that has passed stays, a share of
    the traffic is taken back, and anything else is reverted.
    """
    intent = record.open
    if intent is None:
        return record
    if intent.action == "revert":
        return complete_revert(world, environment, record)
    if intent.action == "shift":
        closed = take_back(world, environment, record).closed()
        world.registry.write_record(environment, closed)
        return closed
    passed = intent.target is not None and intent.target == record.last_good
    failed = None if intent.target in record.passed else intent.target
    target = intent.target if passed else revert_target(record, failed)
    back = Intent(release=intent.release, action="revert", target=target, before=intent.target, reason=reason)
    opened = record.opened(back)
    world.registry.write_record(environment, opened)
    return complete_revert(world, environment, opened)


def take_over(world: World, environment: Environment, release: str, adopt: Candidate | None = None) -> Record:
    """The record of an environment that `release` may change from now on.

    Raises Refused that names the owner while another living release owns the environment. What a dead release left half
    done is undone first, unless it deployed exactly the candidate that is now to be kept (`adopt`), as where a
    deployment was run alone and is then judged.
    """
    record = world.registry.record(environment)
    owner = record.open
    if owner is None:
        lost = record.traffic is not None and record.traffic.release != release
        if lost and record.traffic and not world.platform.release_alive(record.traffic.release):
            return take_back(world, environment, record)
        return record
    if owner.release == release:
        return record
    if world.platform.release_alive(owner.release):
        raise Refused(
            f"{environment} belongs to release {owner.release}, which is still running ({owner.action})",
            "wait until it has ended",
        )
    if adopt is not None and owner.action == "deploy" and owner.target == adopt:
        record = record.opened(owner.model_copy(update={"release": release}))
        world.registry.write_record(environment, record)
        return record
    say(f"{environment}: release {owner.release} ended without finishing its {owner.action}; undoing that first")
    return undo(world, environment, record, f"release {owner.release} died")
