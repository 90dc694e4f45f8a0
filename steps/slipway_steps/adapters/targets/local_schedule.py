"""A timer of this machine that starts runs, as a CronWorkflow does on a cluster."""

import threading
import time
from collections.abc import Callable

from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.perf_session import Firing


class LocalSchedule:
    """Calls `start`, which returns a run's name, every so many seconds, at first at once.

    ended: whether the run of that name has ended. A firing for which the timer is late by a whole interval is missed,
    as one of a CronWorkflow is whose time has passed; so is one that cannot start its run, and one at which `most` runs
    still run (None: any number may). Fewer do not keep the next one from starting.
    """

    def __init__(
        self, every: float, start: Callable[[], str], ended: Callable[[str], bool], most: int | None = None
    ) -> None:
        self.every, self.most, self._start, self._ended = every, most, start, ended
        self._firings: list[Firing] = []
        self._stop = threading.Event()
        self._begin = time.time()
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)
        self._thread.start()

    def firings(self) -> list[Firing]:
        """What was started and missed until now."""
        return list(self._firings)

    def stop(self) -> None:
        """Start nothing more. Returns once a start that is going on has ended."""
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        number, last = 0, ""
        running: list[str] = []
        while True:
            due = self._begin + number * self.every
            if self._stop.wait(max(0.0, due - time.time())):
                return
            number += 1
            now = time.time()
            running = [run for run in running if not self._ended(run)]
            if now >= due + self.every or len(running) == self.most:
                self._firings.append(Firing(due=due))
                continue
            overlapping = last in running
            try:
                last = self._start()
            except (SlipwayError, OSError) as error:  # such as no free process, or a full disk
                self._firings.append(Firing(due=due, broken=str(error)))
                continue
            running.append(last)
            self._firings.append(Firing(due=due, started=now, run=last, overlapping=overlapping))
