"""Whether a run is being stopped, and who has to know."""

import asyncio

from slipway_workflows.engine.machine.processes import Processes


class Shutdown:
    """The stop of one run. A stopped run still runs its exit handler, a terminated one does not."""

    def __init__(self, processes: Processes) -> None:
        self.reason = ""
        """Why no new step may start: a stop or a deadline; empty while all is well."""
        self.terminated = False
        self.exit_pods: set[str] = set()
        """Ids of running pods that belong to exit handlers, which a stop spares."""
        self._processes = processes
        self._stopped = asyncio.Event()
        self._terminated = asyncio.Event()

    def may_run(self, on_exit: bool) -> bool:
        """Whether a new step may start. `on_exit`: it belongs to an exit handler."""
        return not self.terminated and (on_exit or not self.reason)

    def event(self, on_exit: bool) -> asyncio.Event:
        """Set as soon as no new step may start."""
        return self._terminated if on_exit else self._stopped

    def stop(self, reason: str) -> None:
        """Start no more steps and end those that run, exit handlers excepted."""
        self.reason = self.reason or reason
        self._stopped.set()
        self._processes.end_all(reason, keep=frozenset(self.exit_pods))

    def terminate(self, reason: str) -> None:
        """End everything at once, exit handlers too."""
        self.reason = self.reason or reason
        self.terminated = True
        self._stopped.set()
        self._terminated.set()
        self._processes.end_all(reason, at_once=True)
