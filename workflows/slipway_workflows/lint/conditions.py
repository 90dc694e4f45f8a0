"""Rules on `when` clauses and expressions."""

import re
from collections.abc import Iterator

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language import exprlang, govaluate
from slipway_workflows.lint.documents import Place
from slipway_workflows.lint.rule import Rule
from slipway_workflows.lint.subject import TAG, Found, Subject, dicts, mapping, strings

COMPARED = re.compile(r"""("[^"]*"|'[^']*'|\S+)\s*(==|!=|<=|>=|<|>)\s*("[^"]*"|'[^']*'|\S+)""")
NUMBER = re.compile(r"^-?[0-9]+(\.[0-9]+)?$")
OPTIONAL = re.compile(r"\b(steps|tasks)\b[^}]*\?\.", re.DOTALL)


def _whens(subject: Subject) -> Iterator[tuple[Place, str]]:
    for template in subject.templates:
        for step in template.steps:
            if isinstance(step.holder.get("when"), str):
                yield (*step.place, "when"), step.holder["when"]


def _quoted(word: str) -> bool:
    return len(word) > 1 and word[0] in "\"'" and word[-1] == word[0]


def unquoted(subject: Subject) -> Found:
    """A tag outside quotes that is compared with a text."""
    for place, clause in _whens(subject):
        flat = TAG.sub(lambda match: re.sub(r"[\s\"'<>=!]", "_", match.group()), clause)
        for left, operator, right in COMPARED.findall(flat):
            for tag, other in ((left, right), (right, left)):
                bare = tag.lstrip("(!").startswith("{{") and not tag.lstrip("(!").startswith("{{=")
                plain = other.strip("()")
                if operator in ("==", "!=") and bare and not NUMBER.match(plain) and plain not in ("true", "false"):
                    yield place, f"{tag} is not quoted: a value such as my-val, v1.2.3 or 2024-01-01 breaks the clause"
                    break


def numbers_as_text(subject: Subject) -> Found:
    """Quoted numbers that are put in order."""
    for place, clause in _whens(subject):
        for left, operator, right in COMPARED.findall(clause):
            if operator in ("<", ">", "<=", ">=") and (_quoted(left) or _quoted(right)):
                wrong = 'compares texts ("10" < "9")' if _quoted(left) and _quoted(right) else "is an error at run time"
                yield place, f"{left} {operator} {right} {wrong}"


def unparsable_when(subject: Subject) -> Found:
    """A clause that cannot be parsed, whatever the values."""
    for place, clause in _whens(subject):
        problem = ""
        for value in ("1", "w", "true"):
            try:
                govaluate.parse(TAG.sub(value, clause))
                break
            except ExpressionError as error:
                problem = error.message
        else:
            yield place, f"the clause cannot be parsed: {problem}"


def _expressions(subject: Subject) -> Iterator[tuple[Place, str]]:
    """Every expr-lang text: tags of the spec, depends, hooks, retries, valueFrom.expression, fromExpression."""
    base = subject.document.spec_place
    for place, text in strings(subject.spec, base):
        if place[-1] in ("expression", "fromExpression"):
            yield place, text
            continue
        for match in TAG.finditer(text):
            if match.group(1).startswith("="):
                yield place, match.group(1)[1:]


def unparsable_expression(subject: Subject) -> Found:
    """An expression with a fault of syntax; `argo lint` does not look inside."""
    for place, text in _expressions(subject):
        if "{{" in text:
            continue
        try:
            exprlang.parse(text)
        except ExpressionError as error:
            yield place, error.message


def optional_chain(subject: Subject) -> Found:
    """`{{=steps...?....}}` inside a steps template."""
    for template in subject.templates:
        for step in template.steps:
            if step.group < 0:
                continue
            for place, text in strings({k: v for k, v in step.holder.items() if k != "inline"}, step.place):
                for match in TAG.finditer(text):
                    if match.group(1).startswith("=") and OPTIONAL.search(match.group(1)):
                        yield (
                            place,
                            f"{match.group()} always gives its fallback: it is evaluated before any step has run",
                        )


def green_after_failure(subject: Subject) -> Found:
    """A DAG all of whose last tasks may run because another one failed."""
    for template in subject.templates:
        tasks = {step.name: step for step in template.steps if step.group < 0}
        if template.kind != "dag" or mapping(template.body.get("dag")).get("target"):
            continue
        named = {
            name: set(re.findall(r"[A-Za-z0-9_][\w-]*", step.depends)) & set(tasks) for name, step in tasks.items()
        }
        leaves = [name for name in tasks if not any(name in others for others in named.values())]
        for failed, step in tasks.items():
            on_failure = re.compile(rf"(?<![\w-]){re.escape(failed)}\.(Failed|Errored|AllFailed)\b")
            if leaves and all(on_failure.search(tasks[leaf].depends) for leaf in leaves):
                last = ", ".join(leaves)
                yield step.place, f"the template ends Succeeded when {failed} failed: {last} ran because of that"


def text_values(subject: Subject) -> Found:
    """Parameter values that are no strings: the API server refuses them."""
    holders = [(subject.spec.get("arguments"), (*subject.document.spec_place, "arguments"))]
    for template in subject.templates:
        holders.append((template.body.get("inputs"), (*template.place, "inputs")))
        holders += [(step.holder.get("arguments"), (*step.place, "arguments")) for step in template.steps]
    for holder, place in holders:
        for index, item in enumerate(dicts(mapping(holder).get("parameters"))):
            for key in ("value", "default"):
                if item.get(key) is not None and not isinstance(item[key], str):
                    yield (*place, "parameters", index, key), f"{item.get('name')}: {item[key]!r} is no string"


RULES = (
    Rule(
        "SL003",
        "when-unquoted",
        "An unquoted value is read as words, numbers and operators: my-val is a subtraction, v1.2.3 an error.",
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
        "A clause that cannot be parsed is an Error of its step, at run time only.",
        "Correct the clause; join comparisons with && and ||.",
        unparsable_when,
    ),
    Rule(
        "SL006",
        "expression-unparsable",
        "argo lint does not look into expressions; one that cannot be parsed breaks the run.",
        "Correct the expression; a map's closing braces need a blank between them.",
        unparsable_expression,
    ),
    Rule(
        "SL007",
        "optional-chain-in-steps",
        "In a steps template a {{=...}} tag with ?. is evaluated before its steps ran: it is its fallback, always.",
        "Declare a default on the output and read it by a simple quoted tag.",
        optional_chain,
    ),
    Rule(
        "SL015",
        "green-after-failure",
        "A DAG whose last tasks ran because a test failed is Succeeded: the pipeline is green though the test was not.",
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
