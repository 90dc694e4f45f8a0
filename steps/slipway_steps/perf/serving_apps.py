"""The apps of a comparison of served versions: real processes of this machine under the limits of an environment, in
directories of their own, so that no environment of a release is touched.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway_steps.adapters.http.app_client import HttpApps
from slipway_steps.adapters.local.platform import LocalPlatform
from slipway_steps.adapters.world import LazyWorld
from slipway_steps.domain.candidate import Candidate
from slipway_steps.domain.environment import Environment, service_host
from slipway_steps.domain.errors import AppError, PlatformError
from slipway_steps.files import lock_directory

PLACE = Environment.STAGING
"""The environment that an app believes to be in."""
PREFIX = "serving-"
"""The begin of the names of such directories. The directory above is locked while the program lives that uses them."""


@contextmanager
def served(world: LazyWorld, version: str, home: Path) -> Iterator[str]:
    """Serve a registered version from the directory `home` until the end of the block; gives its base URL.

    Raises BadInput for an unknown version, Refused for one without an image, PlatformError where it does not get ready.
    """
    candidate = world.registry.candidate(version)
    settings = world.settings.model_copy(update={"home": home, "platform": "local"})
    platform = LocalPlatform(settings, world.images)
    try:
        platform.deploy(PLACE, candidate)
        yield _ready(platform, candidate, world.settings.healthy_timeout)
    finally:
        end_served(platform)


def end_served(platform: LocalPlatform) -> None:
    """End an app and its supervisor, and remove their directory. Twice is not an error."""
    platform.empty(PLACE)
    shutil.rmtree(platform.home, ignore_errors=True)


def clean_served(world: LazyWorld, directory: Path) -> Iterator[str]:
    """End the apps of comparisons whose program was killed; gives the directory of each. directory: holds those of all
    sessions. Raises PlatformError.
    """
    for home in sorted(directory.glob(f"perf-*/{PREFIX}*")):
        try:
            lock = lock_directory(home.parent)
        except BlockingIOError:
            continue
        try:
            settings = world.settings.model_copy(update={"home": home, "platform": "local"})
            end_served(LocalPlatform(settings, world.images))
        finally:
            os.close(lock)
        yield str(home)


def _ready(platform: LocalPlatform, candidate: Candidate, timeout: float) -> str:
    deadline = time.monotonic() + timeout
    said = "it did not answer"
    while time.monotonic() < deadline:
        url = platform.url(service_host(platform.settings.app, PLACE))
        try:
            answer = HttpApps().at(url).version()
            if answer.status == 200 and (answer.body or {}).get("version") == candidate.version:
                return url
            said = f"status {answer.status}"
        except AppError as error:
            said = error.message
        time.sleep(0.2)
    log = platform.log_path(PLACE)
    last = log.read_text(errors="replace").splitlines()[-1:] if log.exists() else []
    what = f"version {candidate.version} was not ready in {timeout:g} s: {said}"
    raise PlatformError(f"{what}; {last[0]}" if last else what, "does a release of it pass?")
