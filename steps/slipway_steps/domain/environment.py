"""The environments that a release passes through, in order, and the names that are derived from them."""

import re
from enum import StrEnum

from slipway_steps.domain.errors import BadInput, Refused


class Environment(StrEnum):
    """Where a model is served. A release is deployed to staging and is promoted from one environment to the next."""

    STAGING = "staging"
    CANARY = "canary"
    PRODUCTION = "production"


ORDER = tuple(Environment)
"""The order of promotion. A promotion that skips an environment is refused."""

DEVELOPMENT = "development"
"""The alias of a version that has passed its evaluation and is served nowhere yet."""


def parse_environment(name: str) -> Environment:
    """The environment of that name. Raises BadInput that lists the known names."""
    try:
        return Environment(name)
    except ValueError:
        raise BadInput(f"unknown environment {name!r}", f"known: {', '.join(ORDER)}") from None


def source_of(target: Environment) -> Environment:
    """The environment that a promotion to `target` comes from. Raises Refused for staging: releases are deployed
    there.
    """
    if target is Environment.STAGING:
        raise Refused("nothing is promoted to staging", "a release deploys there: slipway run release-model")
    return ORDER[ORDER.index(target) - 1]


def target_of(source: Environment) -> Environment:
    """The environment that a promotion from `source` goes to. Raises Refused for production, the last one."""
    if source is ORDER[-1]:
        raise Refused(f"nothing comes after {source}", f"it is reached from {source_of(source)}")
    return ORDER[ORDER.index(source) + 1]


def check_promotion_order(source: Environment, target: Environment) -> None:
    """Raises Refused unless `target` is the environment right after `source`. So canary is never skipped."""
    if source_of(target) is not source:
        raise Refused(
            f"promotion from {source} to {target} is refused: {target} is only reached from {source_of(target)}",
            f"promote to {source_of(target)} first",
        )


def image_tag(environment: str, version: str) -> str:
    """The image tag of a model version in an environment, such as `staging-1.0.7`."""
    return f"{environment}-1.0.{version}"


def service_host(app: str, environment: Environment) -> str:
    """The DNS name and port of an environment's Service, such as
    model-app-staging-service.model-app-staging.svc.cluster.local:8000.
    """
    return f"{app}-{environment}-service.{app}-{environment}.svc.cluster.local:8000"


HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")


def app_url(app_host: str) -> str:
    """The base URL, without a slash at its end, of a host (with or without a port), or of an address that begins with
    http:// or https://. Raises BadInput for any other text.
    """
    if app_host.startswith(("http://", "https://")):
        return app_host.rstrip("/")
    if not HOST.fullmatch(app_host):
        raise BadInput(f"app-host {app_host!r} is not a host", "for example: model-app.example.org:8000")
    return f"http://{app_host}"
