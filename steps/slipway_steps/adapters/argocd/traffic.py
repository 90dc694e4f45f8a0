"""The traffic of a cluster. Production has all of it: shares work on one machine so far."""

from slipway_steps.domain.environment import Environment
from slipway_steps.domain.errors import PlatformError
from slipway_steps.domain.traffic import Counts, Share


class ClusterTraffic:
    """Implements ports.Traffic for a route that gives the canary nothing."""

    def share(self) -> Share:
        """Production has all requests."""
        return Share()

    def set_share(self, share: Share) -> None:
        """Raises PlatformError for any other share than none."""
        if share != Share():
            raise PlatformError("shares of traffic cannot be set on a cluster yet", "promote without --strategy canary")

    def url(self) -> str:
        """Nobody told the address of the route."""
        return ""

    def counts(self, environment: Environment) -> list[Counts]:
        """No pod is asked."""
        return []
