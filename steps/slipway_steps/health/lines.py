"""A health report as lines of text."""

from slipway_steps.domain.health import COMPONENTS, HealthReport

WIDTH = max(map(len, COMPONENTS)) + 2


def lines_of(report: HealthReport) -> list[str]:
    """A line for each component, and the summary."""
    found = [f"{one.component:<{WIDTH}}{one.state:<11}{one.message}" for one in report.components]
    return [*found, report.summary]
