"""Findings as text, JSON or SARIF 2.1.0."""

import json
from collections.abc import Sequence
from typing import Any

from slipway_workflows.findings.finding import Described, Finding

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def text(findings: Sequence[Finding], between: str = ": ") -> str:
    """The findings as text: for each a line with place, rule and message, and a line with its fix."""
    return "\n".join(
        f"{one.file}:{one.line}{between}{one.rule}{between}{one.message}\n    fix: {one.fix}" for one in findings
    )


def as_json(value: Any) -> str:
    """A value as JSON that people can read too."""
    return json.dumps(value, indent=1, ensure_ascii=False)


def sarif(
    findings: Sequence[Finding], rules: Sequence[Described], tool: str, page: str, notes: Sequence[str] = ()
) -> str:
    """The findings as SARIF, which code hosts such as GitHub show beside the lines of a change.

    page: where the rules are documented. notes: what the reader has to know of the run, such as what was not checked.
    """

    def result(one: Finding) -> dict[str, Any]:
        location = {"artifactLocation": {"uri": one.file}, "region": {"startLine": one.line}}
        message = {"text": f"{one.message}. {one.fix}"}
        return {
            "ruleId": one.rule.split()[0],
            "level": "warning",
            "message": message,
            "locations": [{"physicalLocation": location}],
        }

    described = [
        {
            "id": rule.id,
            "name": rule.name,
            "shortDescription": {"text": rule.reason},
            "help": {"text": f"{rule.fix} See {page}."},
        }
        for rule in rules
    ]
    run: dict[str, Any] = {
        "tool": {"driver": {"name": tool, "rules": described}},
        "results": [result(one) for one in findings],
    }
    if notes:
        told = [{"level": "note", "message": {"text": note}} for note in notes]
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": told}]
    return as_json({"$schema": SARIF, "version": "2.1.0", "runs": [run]})
