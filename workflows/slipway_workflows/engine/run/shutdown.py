"""The stop of a run: it ends the steps that run, and no new ones start."""

import asyncio

from slipway_workflows.engine.machine.processes import Processes


class Shutdown:
    """Stops one run. A stopped run still runs its exit handlers, a terminated one does not."""

    def __init__(self, processes: Processes) -> None:
        self.reason = ""
        """Why no new step may start: the message of a stop or a deadline; empty as long as steps may start."""
        self.terminated = False
        """Whether exit handlers may not start either."""
        self.exit_pods: set[str] = set()
        """The ids of running pods that belong to exit handlers; `stop` does not end them."""
        self._processes = processes
        self._stopped = asyncio.Event()
        self._terminated = asyncio.Event()

    def may_run(self, on_exit: bool) -> bool:
        """Whether a new step may start. `on_exit`: it belongs to an exit handler."""
        return not self.terminated and (on_exit or not self.reason)

    def event(self, on_exit: bool) -> asyncio.Event:
        """An event that is set as soon as no new step may start. `on_exit`: as for `may_run`."""
        return self._terminated if on_exit else self._stopped

    def stop(self, reason: str) -> None:
        """Start no more steps, and end those that run; exit handlers go on. `reason`: the message of ended nodes."""
        self.reason = self.reason or reason
        self._stopped.set()
        self._processes.end_all(reason, keep=frozenset(self.exit_pods))

    def terminate(self, reason: str) -> None:
        """Kill all steps at once, those of exit handlers too. `reason`: the message of the ended nodes."""
        self.reason = self.reason or reason
        self.terminated = True
        self._stopped.set()
        self._terminated.set()
        self._processes.end_all(reason, at_once=True)
