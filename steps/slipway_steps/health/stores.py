"""Probes of what holds a release: MLflow's database and artifacts, and the image store. What they tell was done."""

import os

from slipway_steps.adapters.mlflow.write_check import WriteCheck
from slipway_steps.domain.environment import Environment
from slipway_steps.domain.health import Finding, healthy, unhealthy
from slipway_steps.health.machine import existing
from slipway_steps.ports import World
from slipway_steps.settings import Settings

SIZE = 64 * 1024
"""Bytes that are written as an artifact: as a small file of a release, so that the time says something."""


def hurried(settings: Settings, seconds: float) -> Settings:
    """Settings with which a client gives up after so many seconds, and asks once."""
    limits = {
        "mlflow_retries": 0,
        "mlflow_timeout": seconds,
        "kubernetes_timeout": seconds,
        "registry_timeout": seconds,
    }
    return Settings.model_validate({**settings.model_dump(by_alias=False), **limits})


def registry(world: World) -> Finding:
    """A tag of the experiment of releases is written and read again."""
    check = WriteCheck(world.settings)
    if check.is_new:
        return _new(world.settings, "no database yet: the first release makes it")
    return healthy(f"{check.kind}, read + write {1000 * check.registry():.0f} ms")


def artifacts(world: World) -> Finding:
    """A file is written, read again and deleted."""
    check = WriteCheck(world.settings)
    if check.is_new:
        return _new(world.settings, "none yet: the first release makes them")
    return healthy(f"wrote, read back, deleted {SIZE // 1024} KiB in {1000 * check.artifacts(SIZE):.0f} ms")


def _new(settings: Settings, message: str) -> Finding:
    directory = existing(settings.home)
    if not os.access(directory, os.W_OK):
        return unhealthy(f"{directory} cannot be written: name another directory with --home")
    return healthy(message)


def images(world: World) -> Finding:
    """The images that the environments serve are read, and their digests computed again."""
    status = [world.platform.status(environment) for environment in Environment]
    digests = sorted({one.digest for one in status if one.digest})
    for digest in digests:
        world.images.verify(digest)
    if not digests:
        return healthy("no environment serves one yet")
    return healthy(f"{len(digests)} digest{'s' if len(digests) > 1 else ''} re-hashed")
