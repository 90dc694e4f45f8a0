"""How well the parts that releases need are: each is asked by a probe, and the worst counts."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

COMPONENTS = ("python", "registry", "artifacts", "images", "environments", "disk", "memory", "performance")
"""The names of the components, in the order in which they are shown. Alerts and dashboards use them: they stay."""


class HealthState(StrEnum):
    """healthy: a release can use it. degraded: it can, with a loss that a person should look at. unhealthy: it
    cannot.
    """

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


ORDER = (HealthState.UNHEALTHY, HealthState.DEGRADED, HealthState.HEALTHY)
"""From the worst to the best."""


class Finding(BaseModel):
    """What a probe says of its component, in a few words for a person."""

    model_config = ConfigDict(frozen=True)

    state: HealthState
    message: str


class ComponentHealth(BaseModel):
    """A component, what its probe found, and the seconds that the probe took."""

    model_config = ConfigDict(frozen=True)

    component: str
    state: HealthState
    message: str
    seconds: float


class HealthReport(BaseModel):
    """All components at one time. `checked`: Unix seconds."""

    model_config = ConfigDict(frozen=True)

    checked: float
    components: list[ComponentHealth]

    @property
    def overall(self) -> HealthState:
        """The worst state of a component. Raises ValueError without components: nothing asked is not healthy."""
        if not self.components:
            raise ValueError("a health report has components")
        return worst([one.state for one in self.components])

    @property
    def summary(self) -> str:
        """The overall state, and how many components have it: `degraded (1 of 8)`."""
        having = sum(one.state is self.overall for one in self.components)
        return f"{self.overall} ({having} of {len(self.components)})"


def worst(states: list[HealthState]) -> HealthState:
    """The worst of some states; healthy for none."""
    return next((state for state in ORDER if state in states), HealthState.HEALTHY)


def healthy(message: str) -> Finding:
    """A component that a release can use."""
    return Finding(state=HealthState.HEALTHY, message=message)


def degraded(message: str) -> Finding:
    """A component that a release can use with a loss."""
    return Finding(state=HealthState.DEGRADED, message=message)


def unhealthy(message: str) -> Finding:
    """A component that no release can use."""
    return Finding(state=HealthState.UNHEALTHY, message=message)
