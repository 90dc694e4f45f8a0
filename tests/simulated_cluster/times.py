"""Times as Kubernetes writes them: whole seconds."""

from datetime import UTC, datetime


def timestamp() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
