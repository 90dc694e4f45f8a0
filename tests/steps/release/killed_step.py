"""Runs one step on the real world and kills itself, hard, just before the n-th change: killed_step.py N STEP ARGS..."""

import os
import signal
import sys
from types import SimpleNamespace
from typing import Any

from slipway_steps import entry
from slipway_steps.adapters.world import make_world

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
    real = make_world()
    changing = {name: Counted(getattr(real, name)) for name in ("registry", "images", "platform")}
    world: Any = SimpleNamespace(**changing, settings=real.settings, apps=real.apps)
    code = entry.main(sys.argv[2:], world)
    sys.stdout.flush()
    os._exit(code)
