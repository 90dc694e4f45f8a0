"""The two languages and the tags: laws, and answers of Argo's own code."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language import exprlang, govaluate, substitution
from slipway_workflows.engine.language.conformance import main, missed
from slipway_workflows.engine.language.exprlang.nodes import (
    Array,
    Binary,
    Call,
    Conditional,
    Expression,
    Let,
    Literal,
    Map,
    Member,
    Name,
    Pointer,
    Predicate,
    Slice,
    Unary,
)
from slipway_workflows.engine.language.texts import fill

DATA = Path(__file__).parents[3] / "conformance"
ENVIRONMENTS = json.loads((DATA / "environments.json").read_text())
CASES = [json.loads(line) for line in (DATA / "expressions.jsonl").read_text().splitlines()]


@settings(deadline=None)
@given(st.one_of(st.text(), st.text("ab1 .\"'()<>=!&|-+*/%[]{},?:~", max_size=40)))
def test_when_raises_nothing_but_its_own_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert isinstance(govaluate.evaluate(text), bool)


@settings(deadline=None)
@given(st.one_of(st.text(), st.text("ab1 .\"'()<>=!&|-+*/%[]{},?:", max_size=40)))
def test_expressions_raise_nothing_but_their_own_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        exprlang.evaluate(text, {"a": {"b": 1}})


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters='"\\', exclude_categories=["Cc", "Cs"])), st.text("abc-1.:"))
def test_quoted_texts_compare_as_texts(left: str, right: str) -> None:
    for text in (left, right):
        if govaluate._date(text) is None:
            assert govaluate.evaluate(f'"{text}" == "{text}"')
    if all(govaluate._date(text) is None for text in (left, right)):
        assert govaluate.evaluate(f'"{left}" != "{right}"') == (left != right)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_value_stays_what_it_is(value: str) -> None:
    scope = {"inputs.parameters.x": value}
    if "{{" not in value:
        assert fill({"a": ["{{inputs.parameters.x}}"]}, scope) == {"a": [value]}
        assert fill("{{= inputs.parameters.x }}", scope) == value


def test_unknown_tags_stay_unless_they_are_strict() -> None:
    assert substitution.replace("{{x}} {{steps.a.id}}", {}) == "{{x}} {{steps.a.id}}"
    with pytest.raises(ExpressionError, match=r"steps\.a\.id"):
        substitution.replace("{{x}} {{steps.a.id}}", {}, ["steps."])


@pytest.mark.parametrize("op", ["when", "replace", "strict", "bool", "depends"])
def test_answers_of_argo_s_own_code(op: str) -> None:
    mine = [case for case in CASES if case["op"] == op]
    assert len(mine) > 5
    assert [(case["in"], why) for case in mine if (why := missed(case, ENVIRONMENTS))] == []


def test_the_conformance_program_counts(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text('{"op": "when", "in": "1 == 1", "out": true}\n{"op": "when", "in": "1 == 1", "out": false}\n')
    found = CliRunner().invoke(main, [str(file), "--environments", str(DATA / "environments.json")])
    assert found.exit_code == 1
    assert found.output.splitlines() == ["when '1 == 1': True, Argo: False", "1 passed, 1 failed"]
    found = CliRunner().invoke(main, [str(tmp_path / "none"), "--environments", str(DATA / "environments.json")])
    assert found.exit_code == 2


NAMES = st.sampled_from(["a", "steps", "x1", "_y"])
LITERALS = st.one_of(
    st.none(), st.booleans(), st.integers(0, 10**9), st.text(max_size=5), st.floats(0, 1e15).map(lambda f: f + 0.5)
).map(Literal)
OPERATORS = st.sampled_from(["||", "&&", "==", "!=", "..", "+", "-", "*", "/", "%", "**", "??"])
NEGATABLE = st.sampled_from(["in", "matches", "contains", "startsWith", "endsWith"])


def compound(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    keys = st.text(max_size=3).map(Literal)
    return st.one_of(
        st.builds(Unary, st.sampled_from(["!", "-", "+"]), inner),
        st.builds(Binary, OPERATORS, inner, inner),
        st.builds(Binary, NEGATABLE, inner, inner, st.booleans()),
        st.builds(Conditional, inner, inner, inner),
        st.builds(Member, inner, inner, st.booleans()),
        st.builds(Slice, inner, st.none() | inner, st.none() | inner),
        st.builds(
            lambda f, a: Call(Name(f), tuple(a)), st.sampled_from(["len", "toJson"]), st.lists(inner, max_size=2)
        ),
        st.builds(lambda a: Call(Name("filter"), (a, Predicate(Pointer("")))), inner),
        st.builds(lambda items: Array(tuple(items)), st.lists(inner, max_size=2)),
        st.builds(lambda pairs: Map(tuple(pairs)), st.lists(st.tuples(keys, inner), max_size=2)),
        st.builds(Let, NAMES, inner, inner),
    )


@settings(deadline=None)
@given(st.recursive(st.one_of(LITERALS, NAMES.map(Name)), compound, max_leaves=8))
def test_an_expression_that_is_written_and_read_is_the_same(tree: Expression) -> None:
    assert exprlang.parse(exprlang.unparse(tree)) == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 2, 3] | filter(# > 1) | map(# * 2)", [4, 6]),
        ("-2 ** 2", -4.0),
        ("not false && true", True),
        ("1 < 2 < 3", True),
        ("{'a': 1}?.b?.c", None),
        ("let x = 2; x * x", 4),
        ("if 1 > 2 { 'a' } else { 'b' }", "b"),
        ("sprig.trim(' x ') + sprig.add(1, '2', 3) | string()", None),
        ('jsonpath(\'{"a": [{"b": 1}, {"b": 2}]}\', \'$.a[*].b\')', [1.0, 2.0]),
        ("duration('90m').Hours()", 1.5),
        ("date('2026-11-21').Format('02 Jan 2006')", "21 Nov 2026"),
        ("groupBy(['a', 'bb', 'cc'], len(#))[2]", ["bb", "cc"]),
        ("reduce([1, 2, 3], #acc + #, 10)", 16),
        ("'abc'[1:]", "bc"),
        ("1 in [1, 2] and 3 not in [1, 2]", True),
    ],
)
def test_what_expr_offers(text: str, value: Any) -> None:
    if value is None and "sprig" in text:
        with pytest.raises(ExpressionError):  # a string and a number do not add up
            exprlang.evaluate(text, {})
    else:
        assert exprlang.evaluate(text, {}) == value
