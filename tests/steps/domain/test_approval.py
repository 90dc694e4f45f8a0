"""How the answer to a question is told from what Argo stores of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_steps.domain.approval import Approval, approval, refusal, unanswered_question
from slipway_steps.domain.failed_step import failed_steps
from slipway_steps.domain.plain_text import plain_line

STOP = "Stopped with strategy 'Stop'"
LATE = "Step exceeded its deadline"


def failures(**messages: str) -> str:
    """What Argo puts into `workflow.failures`: a JSON list as a JSON string. Keyword: template -> message."""
    nodes = [{"displayName": f"{name}(0)", "templateName": name, "message": text} for name, text in messages.items()]
    return json.dumps(json.dumps([*nodes, {"displayName": "wf", "message": "child 'wf-1' failed"}]))


@pytest.mark.parametrize(
    ("message", "answer", "expected"),
    [
        ("Resumed by: ada", "approve", Approval.APPROVED),
        ("", "approve", Approval.APPROVED),
        ("Resumed by: ada", "reject", Approval.REJECTED),
        ("", "banana", Approval.REJECTED),
        (STOP, None, Approval.REJECTED),
        ("Stopped with strategy 'Terminate'", None, Approval.REJECTED),
        ("workflow shutdown with strategy: Stop", None, Approval.REJECTED),
        (LATE, None, Approval.UNANSWERED),
        ("", None, None),
    ],
)
def test_each_end_of_a_question_has_its_own_words(message: str, answer: str | None, expected: Approval | None) -> None:
    assert approval(message, answer) is expected


@pytest.mark.parametrize(
    ("given", "unanswered", "refused"),
    [
        (failures(approve=STOP), Approval.REJECTED, Approval.REJECTED),
        (failures(approve=LATE), Approval.UNANSWERED, Approval.UNANSWERED),
        (
            failures(rejected="main: Error (exit code 2): p was not promoted: rejected by a person"),
            None,
            Approval.REJECTED,
        ),
        (failures(rejected="main: Error (exit code 2): r was not promoted: reject by load"), None, None),
        (failures(train=STOP), None, None),
        ('"null"', None, None),
        ("", None, None),
    ],
)
def test_the_exit_handler_is_told_by_the_failures(
    given: str, unanswered: Approval | None, refused: Approval | None
) -> None:
    assert unanswered_question(failed_steps(given)) is unanswered
    assert refusal(failed_steps(given)) is refused


@given(st.one_of(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps)))
def test_failures_of_another_form_are_no_error(text: str) -> None:
    assert failed_steps(text) is not None


@given(st.text())
def test_a_plain_line_holds_no_tag(text: str) -> None:
    line = plain_line(text)
    assert "{{" not in line
    assert "\n" not in line
