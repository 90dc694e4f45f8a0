"""Rules on `when` clauses and expressions."""

import re
from collections.abc import Iterator

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language import exprlang, govaluate
from slipway_workflows.findings.lines import FieldPath
from slipway_workflows.findings.shapes import dicts, mapping, strings
from slipway_workflows.lint.rule import Rule
from slipway_workflows.lint.subject import TAG, Found, Subject

COMPARED = re.compile(r"""("[^"]*"|'[^']*'|\S+)\s*(==|!=|<=|>=|<|>)\s*("[^"]*"|'[^']*'|\S+)""")
NUMBER = re.compile(r"^-?[0-9]+(\.[0-9]+)?$")
OPTIONAL = re.compile(r"\b(steps|tasks)\b[^}]*\?\.", re.DOTALL)


def _whens(subject: Subject) -> Iterator[tuple[FieldPath, str]]:
    for template in subject.templates:
        for step in template.steps:
            if isinstance(step.body.get("when"), str):
                yield (*step.path, "when"), step.body["when"]


def _quoted(word: str) -> bool:
    return len(word) > 1 and word[0] in "\"'" and word[-1] == word[0]


def unquoted(subject: Subject) -> Found:
    """Find tags outside quotes that are compared with a text."""
    for path, clause in _whens(subject):
        flat = TAG.sub(lambda match: re.sub(r"[\s\"'<>=!]", "_", match.group()), clause)
        for left, operator, right in COMPARED.findall(flat):
            for tag, other in ((left, right), (right, left)):
                bare = tag.lstrip("(!").startswith("{{") and not tag.lstrip("(!").startswith("{{=")
                plain = other.strip("()")
                if operator in ("==", "!=") and bare and not NUMBER.match(plain) and plain not in ("true", "false"):
                    yield path, f"{tag} is not quoted: a value such as my-val, v1.2.3 or 2024-01-01 breaks the clause"
                    break


def numbers_as_text(subject: Subject) -> Found:
    """Find quoted numbers that are compared with `<`, `>`, `<=` or `>=`."""
    for path, clause in _whens(subject):
        for left, operator, right in COMPARED.findall(clause):
            if operator in ("<", ">", "<=", ">=") and (_quoted(left) or _quoted(right)):
                wrong = 'compares texts ("10" < "9")' if _quoted(left) and _quoted(right) else "is an error at run time"
                yield path, f"{left} {operator} {right} {wrong}"


def unparsable_when(subject: Subject) -> Found:
    """Find `when` clauses that cannot be parsed, whatever the values of their tags are."""
    for path, clause in _whens(subject):
        problem = ""
        for value in ("1", "w", "true"):
            try:
                govaluate.parse(TAG.sub(value, clause))
                break
            except ExpressionError as error:
                problem = error.message
        else:
            yield path, f"the clause cannot be parsed: {problem}"


def _expressions(subject: Subject) -> Iterator[tuple[FieldPath, str]]:
    """All expressions of expr-lang: `{{=...}}` tags, and fields `expression` and `fromExpression`."""
    base = subject.document.spec_path
    for path, text in strings(subject.spec, base):
        if path[-1] in ("expression", "fromExpression"):
            yield path, text
            continue
        for match in TAG.finditer(text):
            if match.group(1).startswith("="):
                yield path, match.group(1)[1:]


def unparsable_expression(subject: Subject) -> Found:
    """Find expressions with a syntax error; `argo lint` does not parse them."""
    for path, text in _expressions(subject):
        if "{{" in text:
            continue
        try:
            exprlang.parse(text)
        except ExpressionError as error:
            yield path, error.message


def optional_chain(subject: Subject) -> Found:
    """Find `{{=steps...?....}}` inside a steps template."""
    for template in subject.templates:
        for step in template.steps:
            if step.group < 0:
                continue
            for path, text in strings({k: v for k, v in step.body.items() if k != "inline"}, step.path):
                for match in TAG.finditer(text):
                    if match.group(1).startswith("=") and OPTIONAL.search(match.group(1)):
                        yield (
                            path,
                            f"{match.group()} always has its fallback value: it is evaluated before any step has run",
                        )


def green_after_failure(subject: Subject) -> Found:
    """Find DAGs whose last tasks all run because another task failed."""
    for template in subject.templates:
        tasks = {step.name: step for step in template.steps if step.group < 0}
        if template.kind != "dag" or mapping(template.body.get("dag")).get("target"):
            continue
        named = {
            name: set(re.findall(r"[A-Za-z0-9_][\w-]*", step.depends)) & set(tasks) for name, step in tasks.items()
        }
        last_tasks = [name for name in tasks if not any(name in others for others in named.values())]
        for failed, step in tasks.items():
            on_failure = re.compile(rf"(?<![\w-]){re.escape(failed)}\.(Failed|Errored|AllFailed)\b")
            if last_tasks and all(on_failure.search(tasks[name].depends) for name in last_tasks):
                last = ", ".join(last_tasks)
                yield step.path, f"the template ends Succeeded when {failed} failed: {last} ran because of that"


def text_values(subject: Subject) -> Found:
    """Find parameter values that are no strings; the API server refuses them."""
    sections = [(subject.spec.get("arguments"), (*subject.document.spec_path, "arguments"))]
    for template in subject.templates:
        sections.append((template.body.get("inputs"), (*template.path, "inputs")))
        sections += [(step.body.get("arguments"), (*step.path, "arguments")) for step in template.steps]
    for section, path in sections:
        for index, item in enumerate(dicts(mapping(section).get("parameters"))):
            for key in ("value", "default"):
                if item.get(key) is not None and not isinstance(item[key], str):
                    yield (*path, "parameters", index, key), f"{item.get('name')}: {item[key]!r} is not a string"


RULES = (
    Rule(
        "SL003",
        "when-unquoted",
        "An unquoted value is parsed as an expression: my-val is a subtraction, v1.2.3 an error.",
        'Quote both sides: "{{...}}" == "pass".',
        unquoted,
    ),
    Rule(
        "SL004",
        "when-quoted-number",
        'Quoted numbers are compared as texts: "10" > "9" is false, and "0.95" >= 0.9 is an error.',
        "Leave numbers and their tags unquoted.",
        numbers_as_text,
    ),
    Rule(
        "SL005",
        "when-unparsable",
        "A step whose clause cannot be parsed ends with phase Error, and only at run time.",
        "Correct the clause; join comparisons with && and ||.",
        unparsable_when,
    ),
    Rule(
        "SL006",
        "expression-unparsable",
        "argo lint does not parse expressions; one that cannot be parsed breaks the run.",
        "Correct the expression; a map's closing braces need a blank between them.",
        unparsable_expression,
    ),
    Rule(
        "SL007",
        "optional-chain-in-steps",
        "In a steps template a {{=...}} tag with ?. is evaluated before the steps: it always has its fallback value.",
        "Declare a default on the output and read it by a simple quoted tag.",
        optional_chain,
    ),
    Rule(
        "SL015",
        "green-after-failure",
        "A DAG whose last tasks ran because a test failed ends as Succeeded, although the test has failed.",
        "Add a last task that fails unless the test has passed.",
        green_after_failure,
    ),
    Rule(
        "SL020",
        "value-not-a-string",
        "The API server refuses parameter values that are numbers or booleans.",
        "Quote the value.",
        text_values,
    ),
)
