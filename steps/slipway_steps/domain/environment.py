"""The environments a release passes through, in order, and the names that follow from them."""

import re
from enum import StrEnum

from slipway_steps.domain.errors import BadInput, Refused


class Environment(StrEnum):
    """Where a model is served. A release enters at staging and moves one step at a time."""

    STAGING = "staging"
    CANARY = "canary"
    PRODUCTION = "production"


ORDER = tuple(Environment)
"""Promotion order; skipping one is refused (requirement R1.6)."""

DEVELOPMENT = "development"
"""The alias of a version that has passed its evaluation and is served nowhere yet."""


def parse_environment(name: str) -> Environment:
    """The environment called `name`. Raises BadInput, naming the known ones."""
    try:
        return Environment(name)
    except ValueError:
        raise BadInput(f"unknown environment {name!r}", f"known: {', '.join(ORDER)}") from None


def source_of(target: Environment) -> Environment:
    """The environment a promotion to `target` comes from. Raises Refused for staging, which is deployed to."""
    if target is Environment.STAGING:
        raise Refused("nothing is promoted to staging", "a release deploys there: slipway run release-model")
    return ORDER[ORDER.index(target) - 1]


def target_of(source: Environment) -> Environment:
    """The environment that a promotion from `source` goes to. Raises Refused for production, the last one."""
    if source is ORDER[-1]:
        raise Refused(f"nothing comes after {source}", f"it is reached from {source_of(source)}")
    return ORDER[ORDER.index(source) + 1]


def check_hop(source: Environment, target: Environment) -> None:
    """Raises Refused unless `target` comes right after `source`: canary is never skipped."""
    if source_of(target) is not source:
        raise Refused(
            f"promotion from {source} to {target} is refused: {target} is only reached from {source_of(target)}",
            f"promote to {source_of(target)} first",
        )


def image_tag(environment: str, version: str) -> str:
    """The image tag of a model version in an environment: `staging-1.0.7`."""
    return f"{environment}-1.0.{version}"


def service_host(app: str, environment: Environment) -> str:
    """The Service DNS name of an environment, with its port (requirement R1.12)."""
    return f"{app}-{environment}-service.{app}-{environment}.svc.cluster.local:8000"


HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")


def app_url(app_host: str) -> str:
    """The base URL, without a slash at its end, of a host (with or without port) or of an address that begins with
    http:// or https://. Raises BadInput for what is neither.
    """
    if app_host.startswith(("http://", "https://")):
        return app_host.rstrip("/")
    if not HOST.fullmatch(app_host):
        raise BadInput(f"app-host {app_host!r} is no host", "for example: model-app.example.org:8000")
    return f"http://{app_host}"
