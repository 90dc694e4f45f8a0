"""Runs one step on the real world and kills itself, hard, just before the n-th change: killed_step.py N STEP ARGS..."""

import os
import signal
import sys
from typing import Any

from slipway_steps import entry
from slipway_steps.adapters import world as worlds
from slipway_steps.ports import World

CHANGES = {"write_record", "set_alias", "delete_alias", "note", "tag", "deploy", "empty"}


class Counted:
    """One adapter, its changes counted together with those of the others."""

    left = 0

    def __init__(self, adapter: Any) -> None:
        self.adapter = adapter

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.adapter, name)
        if name not in CHANGES:
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            Counted.left -= 1
            if Counted.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return found(*args, **kwargs)

        return call


if __name__ == "__main__":
    Counted.left = int(sys.argv[1])
    make = worlds.make_world

    def counted() -> World:
        real = make()
        return World(real.settings, Counted(real.registry), Counted(real.images), Counted(real.platform))  # type: ignore[arg-type]

    worlds.make_world = counted  # type: ignore[assignment]
    sys.stdout.flush()
    os._exit(entry.main(sys.argv[2:]))
