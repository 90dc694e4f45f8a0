"""Asks all components at the same time. None may take longer than the limit, and none keeps another from its answer."""

import time
from collections.abc import Callable, Mapping
from threading import Thread

from slipway_steps.adapters.mlflow.connection import preload_mlflow
from slipway_steps.adapters.mlflow.write_check import WriteCheck
from slipway_steps.adapters.world import make_world
from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.health import COMPONENTS, ComponentHealth, Finding, HealthReport, unhealthy
from slipway_steps.health import machine
from slipway_steps.health.environments import environments
from slipway_steps.health.stores import artifacts, hurried, images, registry
from slipway_steps.settings import Settings

LIMIT = 5.0
"""Seconds for one probe: a component that answers later makes every step of a release wait as well."""
Probe = Callable[[], Finding]


def probes_of(settings: Settings) -> dict[str, Probe]:
    """The probe of each component. Where MLflow's database is on this machine, MLflow is imported now: that takes
    seconds, which are no answer of a component.
    """
    world = make_world(hurried(settings, LIMIT))
    if not settings.tracking_uri and not WriteCheck(settings).is_new:
        preload_mlflow()
    return {
        "python": lambda: machine.python(settings),
        "registry": lambda: registry(world),
        "artifacts": lambda: artifacts(world),
        "images": lambda: images(world),
        "environments": lambda: environments(world),
        "disk": lambda: machine.disk(settings),
        "memory": lambda: machine.memory(settings),
        "performance": lambda: machine.performance(settings),
    }


class HealthCheck:
    """Checks as often as it is asked to. A probe that still waits from the time before is not started again."""

    def __init__(self, probes: Mapping[str, Probe], limit: float = LIMIT) -> None:
        self.probes = probes
        self.limit = limit
        self._asked: dict[str, _Asked] = {}

    def run(self) -> HealthReport:
        """Ask all components at once; takes at most the limit."""
        begin = time.time()
        for name, probe in self.probes.items():
            if name not in self._asked or self._asked[name].over:
                self._asked[name] = _Asked(name, probe)
        deadline = time.monotonic() + self.limit
        found = [self._asked[name].answer(deadline, self.limit) for name in self.probes]
        order = {name: place for place, name in enumerate(COMPONENTS)}
        return HealthReport(checked=begin, components=sorted(found, key=lambda one: order.get(one.component, 99)))


class _Asked:
    """A probe that was started in a thread of its own, which nobody waits for at the end of the program."""

    def __init__(self, component: str, probe: Probe) -> None:
        self.component, self.probe = component, probe
        self.begin, self.took = time.monotonic(), 0.0
        self.finding: Finding | None = None
        self._thread = Thread(target=self._ask, name=f"health-{component}", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether it has answered."""
        return not self._thread.is_alive()

    def _ask(self) -> None:
        try:
            found = self.probe()
        except SlipwayError as error:
            found = unhealthy(str(error))
        except Exception as error:  # whatever a client library raises: the component cannot be used
            found = unhealthy(f"{type(error).__name__}: {str(error)[:200]}")
        self.took = time.monotonic() - self.begin
        self.finding = found

    def answer(self, deadline: float, limit: float) -> ComponentHealth:
        """What it found until the deadline (seconds of the monotonic clock)."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        found = self.finding or unhealthy(f"no answer in {limit:g} s")
        took = self.took if self.finding else time.monotonic() - self.begin
        return ComponentHealth(component=self.component, state=found.state, message=found.message, seconds=took)
