"""Rules on what a step refers to: outputs, templates, arguments, other steps."""

import re
from collections.abc import Iterator

from slipway_workflows.argo.references import referenced_kind
from slipway_workflows.findings.lines import FieldPath
from slipway_workflows.findings.shapes import dicts, mapping, strings
from slipway_workflows.lint.rule import Rule
from slipway_workflows.lint.subject import TAG, Found, Step, Subject, Template

NAMED = re.compile(r"^(steps|tasks)\.([^.\s]+)\.(outputs\.parameters\.([^.\s]+)|outputs\.result|.+)$")
RESULT = re.compile(r"\b(steps|tasks)(?:\.([A-Za-z_]\w*)|\[['\"]([^'\"]+)['\"]\])\.outputs\.result")
INSIDE = re.compile(r"\b(steps|tasks)(?:\.([A-Za-z_]\w*)|\[['\"]([^'\"]+)['\"]\])")


def _readers(template: Template) -> Iterator[tuple[FieldPath, str, Step | None]]:
    """Strings of a template that may refer to its steps: path, text, and the step that has it (None: the outputs)."""
    for step in template.steps:
        for path, text in strings({key: v for key, v in step.body.items() if key != "inline"}, step.path):
            yield path, text, step
    for path, text in strings(template.body.get("outputs"), (*template.path, "outputs")):
        yield path, text, None


def _tags(text: str) -> Iterator[tuple[str, str, str]]:
    """Simple tags that refer to steps: the name of the step, the output parameter or "", and what is read of it."""
    for match in TAG.finditer(text):
        found = NAMED.match(match.group(1).strip())
        if found:
            yield found.group(2), found.group(4) or "", found.group(3)


def _results(text: str) -> Iterator[str]:
    """The names of steps whose `outputs.result` a text reads, by a simple tag or in an expression without `?.`."""
    yield from (name for name, _, what in _tags(text) if what == "outputs.result")
    for match in TAG.finditer(text):
        if match.group(1).startswith("="):
            yield from (a or b for _, a, b in RESULT.findall(match.group(1)))


def _default(subject: Subject, step: Step, output: str) -> bool | None:
    """Whether the output of a step has a default; None where its template or the output is not in the files."""
    target = subject.target(step.body)
    if target is None:
        return None
    for item in dicts(mapping(target[1].body.get("outputs")).get("parameters")):
        if item.get("name") == output:
            return mapping(item.get("valueFrom")).get("default") is not None or "value" in item
    return None


def _may_not_run(step: Step) -> str:
    """The reason why a step may be skipped or omitted; "" where it always runs."""
    if step.body.get("when"):
        return "it has a when"
    if re.search(r"\.(Failed|Errored|Skipped|Omitted|AllFailed)\b", step.depends):
        return "its depends may omit it"
    return ""


def _may_fail(step: Step) -> bool:
    rules = mapping(step.body.get("continueOn"))
    return bool(rules.get("failed") or rules.get("error"))


def no_default(subject: Subject) -> Found:
    """Find `when` clauses that read an output without a default."""
    for template in subject.templates:
        steps = {step.name: step for step in template.steps}
        for step in template.steps:
            for name, output, _ in _tags(str(step.body.get("when") or "")):
                if output and name in steps and _default(subject, steps[name], output) is False:
                    yield (*step.path, "when"), f"output {output} of {name}, which this branch reads, has no default"


def skippable(subject: Subject) -> Found:
    """Find arguments and outputs that read an output which a skipped or failed step does not write."""
    for template in subject.templates:
        steps = {step.name: step for step in template.steps}
        for path, text, reader in _readers(template):
            if path[-1] == "when":
                continue
            for name, output, _ in _tags(text):
                source = steps.get(name)
                if source is None or not output or source is reader:
                    continue
                why = _may_not_run(source) or ("it may fail" if _may_fail(source) else "")
                if why and _default(subject, source, output) is False:
                    yield path, f"output {output} of {name} has no default, and {name} may not write it: {why}"


def hangs(subject: Subject) -> Found:
    """Find references to `outputs.result` of a step that may be skipped or omitted."""
    for template in subject.templates:
        steps = {step.name: step for step in template.steps}
        for path, text, reader in _readers(template):
            for name in _results(text):
                source = steps.get(name)
                if source is None or source is reader:
                    continue
                why = _may_not_run(source)
                if why:
                    yield path, f"result of {name}, which may be skipped ({why}): Argo waits for it for ever"


def unknown_step(subject: Subject) -> Found:
    """Find tags and expressions that refer to a step which the template does not have."""
    for template in subject.templates:
        names = {step.name for step in template.steps}
        if not names or template.kind not in ("steps", "dag"):
            continue
        for path, text, _ in _readers(template):
            for match in TAG.finditer(text):
                tag = match.group(1)
                if tag.startswith("="):
                    found = {a or b for _, a, b in INSIDE.findall(tag)}
                else:
                    parts = NAMED.match(tag.strip())
                    found = {parts.group(2)} if parts else set()
                for name in sorted(found - names - {"name"}):
                    if not name.startswith("{{"):
                        yield path, f"there is no step {name} in template {template.name}"


def template_reference(subject: Subject) -> Found:
    """Find steps whose arguments do not fit the inputs of their template, or whose template does not exist."""
    for template in subject.templates:
        for step in template.steps:
            yield from _reference(subject, step)


def _reference(subject: Subject, step: Step) -> Found:
    reference = step.body.get("templateRef")
    target = subject.target(step.body)
    if target is None:
        if isinstance(reference, dict) and "{{" not in str(reference):
            kind = referenced_kind(reference)
            if (kind, str(reference.get("name"))) in subject.others:
                missing = f"{reference.get('name')} has no template {reference.get('template')}"
                yield (*step.path, "templateRef"), missing
        elif step.body.get("template") and "{{" not in str(step.body["template"]):
            yield (*step.path, "template"), f"there is no template {step.body['template']}"
        return
    wanted = {str(item.get("name")): item for item in dicts(mapping(target[1].body.get("inputs")).get("parameters"))}
    given = dicts(mapping(step.body.get("arguments")).get("parameters"))
    for index, item in enumerate(given):
        if str(item.get("name")) not in wanted:
            path = (*step.path, "arguments", "parameters", index)
            known = ", ".join(wanted) or "none"
            yield path, f"template {target[1].name} has no input {item.get('name')} (its inputs: {known})"
    names = {str(item.get("name")) for item in given}
    for name, item in wanted.items():
        source = mapping(item.get("valueFrom"))
        own = item.get("value", item.get("default", source.get("default", source.get("configMapKeyRef"))))
        if own is None and name not in names:
            yield step.path, f"template {target[1].name} needs a value for its input {name}"


RULES = (
    Rule(
        "SL002",
        "output-without-default",
        "A branch that reads an output without a default fails, or hangs, if the step did not write the output.",
        "Declare valueFrom.default on the output.",
        no_default,
    ),
    Rule(
        "SL008",
        "skippable-output",
        "A skipped or failed step writes no output; a step that reads the output then fails the whole template.",
        "Declare valueFrom.default on the output.",
        skippable,
    ),
    Rule(
        "SL009",
        "result-of-skippable-step",
        "A skipped script has no result, and a result cannot have a default: the workflow stays Running for ever.",
        "Write the value to a file, and declare it as an output parameter with a default.",
        hangs,
    ),
    Rule(
        "SL010",
        "unknown-step",
        "A reference to a step that is not in the same template is never replaced by a value.",
        "Correct the name, or pass the value as an input.",
        unknown_step,
    ),
    Rule(
        "SL011",
        "template-arguments",
        "Argo ignores arguments that a template does not have: a misspelled one is lost without a warning.",
        "Use the names of the template's inputs.",
        template_reference,
    ),
)
