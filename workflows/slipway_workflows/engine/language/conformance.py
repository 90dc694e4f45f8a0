"""Compares the languages with recorded answers of Argo's own code. FILE holds one case a line.

    python -m slipway_workflows.engine.language.conformance FILE.jsonl --environments FILE.json

A case is a JSON object: `op` (when, replace, strict, bool or depends), `in` (the text), `env` (the name of the
environment), and `out` or `error`. Prints a line for each case that differs, and `N passed, N failed`. Exits with 1 if
any case differs, with 2 if a file cannot be read.
"""

import json
import sys
from pathlib import Path
from typing import Any

import click

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language import govaluate
from slipway_workflows.engine.language.expressions import evaluate_bool
from slipway_workflows.engine.language.texts import fill, fill_strictly

EVERY_NAME = ("",)
"""Given to `fill_strictly` as prefixes: no tag may stay unresolved, as every name begins with the empty text."""


def answer(case: dict[str, Any], environments: dict[str, Any]) -> Any:
    """The engine's answer to a case, by the functions that a run calls. Raises ExpressionError."""
    text, environment = case["in"], environments.get(case.get("env") or "", {})
    if case["op"] == "when":
        return govaluate.evaluate(text)
    if case["op"] == "replace":
        return fill(text, environment) if case.get("allow_unresolved") else fill_strictly(text, environment, EVERY_NAME)
    if case["op"] == "strict":
        return fill_strictly(text, environment)
    if case["op"] in ("bool", "depends"):
        return evaluate_bool(text, environment)
    raise KeyError(case["op"])


def missed(case: dict[str, Any], environments: dict[str, Any]) -> str | None:
    """How the engine's answer to a case differs from Argo's, or None where it does not."""
    try:
        found = answer(case, environments)
    except ExpressionError as error:
        return None if case.get("error") else f"error {error.message}, Argo: {case.get('out')!r}"
    if case.get("error"):
        return f"{found!r}, Argo: error {case.get('message', '').splitlines()[:1]}"
    return None if found == case.get("out") else f"{found!r}, Argo: {case.get('out')!r}"


@click.command(help=__doc__)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--environments", required=True, type=click.Path(path_type=Path), help="JSON: name -> variables.")
def main(file: Path, environments: Path) -> None:
    """Run the cases of FILE; the help text is that of this module."""
    try:
        known = json.loads(environments.read_text())
        cases = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
        results = [(case, missed(case, known)) for case in cases]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"error: cases of {file} with the environments of {environments}: {error!r}", file=sys.stderr)
        sys.exit(2)
    failures = [(case, why) for case, why in results if why]
    for case, why in failures:
        print(f"{case['op']} {case['in']!r}: {why}")
    print(f"{len(cases) - len(failures)} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
