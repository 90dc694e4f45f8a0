"""Template tags: where a tag ends, which tags stay unreplaced, and which are errors."""

import pytest

from slipway_workflows.engine.errors import ExpressionError
from slipway_workflows.engine.language.texts import fill, fill_strictly

SCOPE = {"x": "X", "workflow.name": "wf", "steps.a.status": "Succeeded"}
EVERY_NAME = ("",)


@pytest.mark.parametrize("text", ["{{", "a {{ b", "{{= 1", "{{x", "{{x}} {{", "{{x}"])
def test_a_tag_without_an_end_is_an_error(text: str) -> None:
    for strict in ((), ("steps.",), EVERY_NAME):
        with pytest.raises(ExpressionError, match="Cannot find end tag"):
            fill_strictly(text, SCOPE, strict)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{ a {{x}} b", "{{ a X b"),  # the inner name is filled in, the outer braces stay
        ("{{a.{{x}}}}", "{{a.X}}"),
        ("{{{{x}}}}", "{{{{x}}}}"),  # as in Argo, where a tag that begins with braces is no name
        ("{{ x }}", "X"),
        ("x }} {{x}}", "x }} X"),
    ],
)
def test_tags_within_tags(text: str, filled: str) -> None:
    assert fill(text, SCOPE) == filled


def test_a_tag_ends_in_another_field_as_in_argo() -> None:
    value = {"a": "{{", "b": {"c": {}}}
    assert fill(value, SCOPE) == value


def test_what_would_be_no_json_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="invalid JSON"):
        fill({"a": "{{ {{x", "b": ["}}"]}, {'x", "b": ["': "X"})


@pytest.mark.parametrize("text", ["{{=workflow.status ?? 'none'}}", "{{=item}}", "{{=sprig.int(retries) + 1}}"])
def test_an_expression_waits_for_names_that_come_later(text: str) -> None:
    assert fill(text, SCOPE) == text
    later = {**SCOPE, "workflow.status": "Failed", "item": "Failed", "retries": "1"}
    assert fill(text, later) in ("Failed", "2")


@pytest.mark.parametrize(
    ("text", "strict", "filled"),
    [
        ("{{=let y = 1; y + 1}}", ("steps.",), "2"),
        ("{{=let y = 'a'; y + 1}}", ("steps.",), "{{=let y = 'a'; y + 1}}"),  # the let's name counts as unknown
        ("{{=let y = 1; y + 1}}", EVERY_NAME, None),
        ("{{=let x = 1; x}}", ("steps.",), None),  # a name that exists cannot be declared again
        ("{{=let y = 1; let y = 2; y}}", EVERY_NAME, None),
        ("{{=let len = 1; x}}", EVERY_NAME, None),
    ],
)
def test_let_is_checked_as_argo_does(text: str, strict: tuple[str, ...], filled: str | None) -> None:
    if filled is None:
        with pytest.raises(ExpressionError, match=r"missing|redeclare"):
            fill_strictly(text, SCOPE, strict)
    else:
        assert fill_strictly(text, SCOPE, strict) == filled
