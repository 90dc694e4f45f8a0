"""The HTML report of a handler's test: one file that loads no other file and runs no script."""

from datetime import UTC, datetime
from pathlib import Path

from slipway_steps.domain.handler import MEMORY_BUDGET, InferenceTestResult
from slipway_steps.domain.verdict import Verdict
from slipway_workflows.report.handler_table import bytes_text, function_rows, seconds_text, size_text
from slipway_workflows.report.page_file import write_page
from slipway_workflows.report.picture import stylesheet, templates
from slipway_workflows.report.times import moment_text

TONES = {Verdict.PASS: "good", Verdict.REJECT: "bad", Verdict.INCONCLUSIVE: "unsure", Verdict.ERROR: "bad"}


def write_handler_report(result: InferenceTestResult, name: str, target: Path) -> Path:
    """Write the report to the file `target`, completely or not at all; returns `target`.

    name: what was tested, as people named it. Raises BadInput where `target` cannot be written.
    """
    jinja = templates()
    jinja.globals |= {"seconds": seconds_text, "memory": bytes_text, "size": size_text}
    text = jinja.get_template("handler.html.j2").render(
        css=stylesheet("graph.css", "report.css"),
        result=result,
        name=name,
        tone=TONES[result.verdict],
        title=_title(result),
        rows=function_rows(result),
        memory_budget=MEMORY_BUDGET,
        made=moment_text(datetime.now(UTC)),
    )
    return write_page(text, target)


def _title(result: InferenceTestResult) -> str:
    if result.verdict is Verdict.REJECT:
        return f"The handler is rejected: {_number(len(result.rejections), 'fault')}"
    if result.verdict is not Verdict.PASS:
        return "Nothing is known about the handler"
    remarks = len(result.faults)
    return f"The handler passed, with {_number(remarks, 'remark')}" if remarks else "The handler passed"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}"
