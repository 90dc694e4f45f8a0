"""Findings as text, JSON or SARIF 2.1.0."""

import json
from collections.abc import Sequence
from typing import Any

from slipway_workflows.lint.rule import Finding, Rule

PAGE = "docs/lint.md"
SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def text(findings: Sequence[Finding]) -> str:
    """The findings as text: for each a line with its message and a line with its fix."""
    return "\n".join(f"{one.file}:{one.line}: {one.rule}: {one.message}\n    fix: {one.fix}" for one in findings)


def as_json(findings: Sequence[Finding]) -> str:
    """The findings as a JSON list of objects with file, line, rule, message and fix."""
    return json.dumps([one.as_dict() for one in findings], indent=1, ensure_ascii=False)


def sarif(findings: Sequence[Finding], rules: Sequence[Rule]) -> str:
    """The findings as SARIF, which code hosts such as GitHub show beside the lines of a change."""

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
            "help": {"text": f"{rule.fix} See {PAGE}."},
        }
        for rule in rules
    ]
    run = {"tool": {"driver": {"name": "slipway lint", "rules": described}}, "results": [result(o) for o in findings]}
    return json.dumps({"$schema": SARIF, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False)
