"""The two languages and the tags: laws, and answers of Argo's own code."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_workflows.engine import depends, exprlang, govaluate, substitution
from slipway_workflows.engine.expression_error import ExpressionError

DATA = Path(__file__).parents[2] / "conformance"
ENVIRONMENTS = json.loads((DATA / "environments.json").read_text())
CASES = [json.loads(line) for line in (DATA / "expressions.jsonl").read_text().splitlines()]
WHEN = [case for case in CASES if case["op"] == "when"]
REPLACE = [case for case in CASES if case["op"] in ("replace", "strict")]


@given(st.one_of(st.text(), st.text("ab1 .\"'()<>=!&|-+*/%[]{},?:~", max_size=40)))
def test_when_raises_nothing_but_its_own_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert isinstance(govaluate.evaluate(text), bool)


@given(st.one_of(st.text(), st.text("ab1 .\"'()<>=!&|-+*/%[]{},?:", max_size=40)))
def test_expressions_raise_nothing_but_their_own_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        exprlang.evaluate(text, {"a": {"b": 1}})


@given(st.text(st.characters(exclude_characters='"\\', exclude_categories=["Cc", "Cs"])), st.text("abc-1.:"))
def test_quoted_texts_compare_as_texts(left: str, right: str) -> None:
    for text in (left, right):
        if govaluate._date(text) is None:
            assert govaluate.evaluate(f'"{text}" == "{text}"')
    if all(govaluate._date(text) is None for text in (left, right)):
        assert govaluate.evaluate(f'"{left}" != "{right}"') == (left != right)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_value_stays_what_it_is(value: str) -> None:
    scope = {"inputs.parameters.x": value}
    if "{{" not in value:
        assert substitution.replace_in({"a": ["{{inputs.parameters.x}}"]}, scope) == {"a": [value]}
        assert substitution.replace_in("{{= inputs.parameters.x }}", scope) == value


def test_unknown_tags_stay_unless_they_are_strict() -> None:
    assert substitution.replace("{{x}} {{steps.a.id}}", {}) == "{{x}} {{steps.a.id}}"
    with pytest.raises(ExpressionError, match=r"steps\.a\.id"):
        substitution.replace("{{x}} {{steps.a.id}}", {}, ["steps."])


@pytest.mark.parametrize(
    ("clause", "phases", "holds"),
    [
        ("a", {"a": "Succeeded"}, True),
        ("a", {"a": "Skipped"}, True),
        ("a", {"a": "Failed"}, False),
        ("a.Failed", {"a": "Failed"}, True),
        ("a.Succeeded && (b-1 || !c.Failed)", {"a": "Succeeded", "b-1": "Failed", "c": "Omitted"}, True),
        ("a.Errored", {"a": "Error"}, True),
    ],
)
def test_depends(clause: str, phases: dict[str, str], holds: bool) -> None:
    assert depends.holds(clause, phases) is holds


def answer(case: dict[str, Any]) -> Any:
    try:
        if case["op"] == "when":
            return govaluate.evaluate(case["in"])
        strict = ("steps.", "tasks.") if case["op"] == "strict" else ()
        return substitution.replace(case["in"], ENVIRONMENTS["E"], strict, case.get("allow_unresolved", True))
    except ExpressionError:
        return ExpressionError


def right(case: dict[str, Any]) -> bool:
    return bool(answer(case) == (ExpressionError if case.get("error") else case.get("out")))


def test_when_clauses_answered_by_argo() -> None:
    missed = [case["in"] for case in WHEN if not right(case)]
    assert len(missed) <= 0.02 * len(WHEN), missed


def test_clauses_that_manifests_write_are_all_right() -> None:
    plain = [case for case in WHEN if case["in"].count('"') == 4 and " == " in case["in"]]
    assert len(plain) > 5
    assert [case["in"] for case in plain if not right(case)] == []


def test_simple_tags_answered_by_argo() -> None:
    simple = [case for case in REPLACE if "{{=" not in case["in"] and "\\" not in str(case.get("out"))]
    missed = [(case["in"], case.get("out"), answer(case)) for case in simple if not right(case)]
    assert len(missed) <= 0.15 * len(simple), missed
