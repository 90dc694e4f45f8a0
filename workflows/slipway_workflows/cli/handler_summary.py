"""Prints what the test of a handler found."""

from typing import TYPE_CHECKING

import click

from slipway_steps.domain.verdict import Verdict
from slipway_workflows.report.handler_table import (
    bytes_text,
    fault_lines,
    function_rows,
    headline,
    one_line,
    seconds_text,
)

if TYPE_CHECKING:
    from slipway_steps.domain.handler import InferenceHandlerSpec, InferenceTestResult

COLUMNS = "{:<12}{:>6}  {:>8}  {:>8}  {:>8}  {:<12}{}"


def print_summary(result: "InferenceTestResult", spec: "InferenceHandlerSpec") -> None:
    """Print the result as people read it: what was tested, a row for each function, the faults, the verdict."""
    click.echo(one_line(headline(result, spec.handler_name, len(spec.supported_accept_types))))
    rows = function_rows(result)
    if rows:
        click.echo(COLUMNS.format("function", "calls", "p50", "p95", "peak", "verdict", "usual").rstrip())
    for row in rows:
        usual = f"{seconds_text(row.budget[0])} to {seconds_text(row.budget[1])}"
        times = (seconds_text(row.p50), seconds_text(row.p95), bytes_text(row.peak))
        click.echo(COLUMNS.format(row.name, row.calls, *times, row.verdict, usual).rstrip())
    for fault in result.faults:
        for line in fault_lines(fault):
            click.echo(line)
    for note in result.notes:
        click.echo(f"note: {one_line(note)}")
    for error in result.errors:
        click.echo(f"inconclusive: {one_line(error)}")
    if result.verdict is Verdict.PASS:
        click.echo("passed")
