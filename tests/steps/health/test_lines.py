"""The report as people read it."""

from slipway_steps.domain.health import ComponentHealth, HealthReport, HealthState
from slipway_steps.health.lines import lines_of


def test_columns_are_aligned() -> None:
    found = [
        ComponentHealth(component="python", state=HealthState.HEALTHY, message="3.11", seconds=0),
        ComponentHealth(component="environments", state=HealthState.UNHEALTHY, message="production down", seconds=0),
    ]
    assert lines_of(HealthReport(checked=0, components=found)) == [
        "python        healthy    3.11",
        "environments  unhealthy  production down",
        "unhealthy (1 of 2)",
    ]
