"""The linter of `slipway lint`. It finds mistakes that Argo's own linter and the schema of its server do not check."""

from collections.abc import Sequence
from pathlib import Path

from slipway_workflows.findings.finding import Finding
from slipway_workflows.lint import cluster, conditions, references, releases, shapes
from slipway_workflows.lint.documents import files_of, read
from slipway_workflows.lint.rule import Rule
from slipway_workflows.lint.subject import Subject

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (*cluster.RULES, *conditions.RULES, *references.RULES, *releases.RULES, *shapes.RULES), key=lambda rule: rule.id
    )
)

__all__ = ["RULES", "Finding", "Rule", "lint"]


def lint(paths: Sequence[Path]) -> list[Finding]:
    """The findings in files and directories of YAML, sorted by file and line.

    Workflows in these files may refer to templates in each other. Raises BadInput where a file cannot be read or is no
    YAML.
    """
    documents = [document for file in files_of(list(paths)) for document in read(file)]
    others: dict[tuple[str, str], Subject] = {}
    subjects = [Subject(document, others) for document in documents]
    for subject in subjects:
        others.setdefault((subject.document.kind, subject.document.name), subject)
    found = {
        Finding(str(one.document.file), one.document.line(path), f"{rule.id} {rule.name}", message, rule.fix)
        for one in subjects
        for rule in RULES
        for path, message in rule.find(one)
    }
    return sorted(found)
