"""The result of a scenario as lines of text."""

from collections.abc import Iterator

from slipway_steps.domain.validation import E2ETestResult, Outcome


def headline(result: E2ETestResult) -> str:
    """How it ended, and whether that was expected."""
    if result.outcome is Outcome.REFUSED:
        return "could not be run"
    if result.outcome is Outcome.BROKEN:
        return "broken"
    if result.outcome in (Outcome.TIMEOUT, Outcome.MEMORY):
        return "killed: too late" if result.outcome is Outcome.TIMEOUT else "killed: too much memory"
    if not result.ended_as_expected:
        return f"{result.outcome}, expected {result.expect}"
    return f"{result.outcome} as expected" if result.success else f"{result.outcome}, but not as expected"


def line_of(result: E2ETestResult) -> str:
    """The line of a result: how it ended, its steps, its time, its memory."""
    return "   ".join(
        (
            headline(result),
            f"{result.steps_found}/{result.steps_expected} steps",
            f"{result.total_duration:.1f} s",
            f"peak {result.peak_memory_usage:.2f} GiB of {result.memory_limit_gb:.1f}",
        )
    )


def faults_of(result: E2ETestResult) -> Iterator[str]:
    """What is not as expected, and what explains it."""
    yield from result.faults
    if result.steps_unexpected:
        yield f"also ran: {', '.join(result.steps_unexpected)}"
    for command in result.left_behind:
        yield f"was still running at the end, and was killed: {command}"
    if not result.success and result.last_lines:
        yield f"{result.failed_step or 'slipway run'} said last:"
        yield from (f"  {line}" for line in result.last_lines[-5:])
    for name, lines in result.running_lines.items():
        yield f"{name} said last:"
        yield from (f"  {line}" for line in lines[-5:])
