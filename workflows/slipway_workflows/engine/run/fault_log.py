"""Records an exception that no rule foresees: its traceback goes to a file of the run, one line to the user."""

import traceback
from pathlib import Path

from slipway_workflows.engine.errors import UnforeseenError
from slipway_workflows.engine.state.store import FAULT_LOG


class FaultLog:
    """The log of the engine's own faults in one run. `directory`: the run's."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FAULT_LOG

    def record(self, error: Exception, doing: str) -> UnforeseenError:
        """Append the traceback of an exception to the file; returns an error that tells the user of it in one line.

        `doing`: what the engine was doing. An UnforeseenError was recorded before, and is returned as it is.
        """
        if isinstance(error, UnforeseenError):
            return error
        said = " ".join(str(error).split()) or "no message"
        line = f"{doing}: {type(error).__name__}: {said}"
        try:
            with self.path.open("a") as file:
                file.write(f"{line}\n{''.join(traceback.format_exception(error))}\n")
        except OSError as problem:
            hint = f"a fault of Slipway itself; its traceback cannot be written to {self.path}: {problem.strerror}"
        else:
            hint = f"a fault of Slipway itself; its traceback is in {self.path}"
        return UnforeseenError(line, hint)
