"""The file of the gateway: spec.json, how requests are to be shared out. `traffic` writes it, `supervisor` reads it."""

from slipway_steps.adapters.local.state import StateFile
from slipway_steps.domain.traffic import Share


class GatewaySpec(StateFile):
    """How the gateway shares requests out. `generation` counts the changes, `port` is that of the loopback address on
    which it listens, `stopped` keeps the share but runs nothing.
    """

    generation: int
    share: Share
    port: int
    stopped: bool = False
