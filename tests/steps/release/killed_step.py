"""Runs one step on the real world in a process that kills itself, hard, just before the n-th change of the step."""

import os
import signal
import sys
from pathlib import Path
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


def run_killed(change: int, home: Path, log: Path, arguments: list[str]) -> None:
    """Run the step that `arguments` begins with until just before its n-th change; the process ends here.

    log: gets what the step prints.
    """
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ["SLIPWAY_HOME"] = str(home)
    Counted.left = change
    real = make_world()
    changing = {name: Counted(getattr(real, name)) for name in ("registry", "images", "platform")}
    world: Any = SimpleNamespace(**changing, settings=real.settings, apps=real.apps)
    code = entry.main(arguments, world)
    sys.stdout.flush()
    os._exit(code)
