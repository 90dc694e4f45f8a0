"""What the linter and the validator share."""

import json

import pytest
import yaml

from slipway_workflows.findings.finding import Finding
from slipway_workflows.findings.image_reference import floating
from slipway_workflows.findings.lines import lines_of, nearest_line
from slipway_workflows.findings.output import sarif, text

FOUND = Finding("a.yaml", 3, "XX001 name", "it is wrong", "Mend it.")


def test_a_field_begins_at_its_key_and_an_item_at_itself() -> None:
    node = yaml.compose("a:\n  b: 1\nc:\n- d\n- {e: f}\n", Loader=yaml.SafeLoader)
    lines = dict(lines_of(node))
    assert lines == {(): 1, ("a",): 1, ("a", "b"): 2, ("c",): 3, ("c", 0): 4, ("c", 1): 5, ("c", 1, "e"): 5}
    assert nearest_line(lines, ("c", 1, "no", "such")) == 5
    assert nearest_line(lines, ("no",)) == 1
    assert nearest_line({}, ("a",)) == 1


def test_the_text_of_a_finding() -> None:
    assert text([FOUND]) == "a.yaml:3: XX001 name: it is wrong\n    fix: Mend it."
    assert text([FOUND], "  ").startswith("a.yaml:3  XX001 name  it is wrong\n")


def test_sarif_names_tool_and_notes() -> None:
    (run,) = json.loads(sarif([FOUND], [], "a tool", "page.md", ["not all was checked"]))["runs"]
    assert run["tool"]["driver"]["name"] == "a tool"
    assert run["results"][0]["ruleId"] == "XX001"
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == "not all was checked"
    assert "invocations" not in json.loads(sarif([FOUND], [], "a tool", "page.md"))["runs"][0]


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("a", "has no tag"),
        ("localhost:5000/a", "has no tag"),
        ("a:latest", "has a tag that moves"),
        ("a/b:1.0", ""),
        ("localhost:5000/a:1.0", ""),
        ("a:latest@sha256:00", ""),
    ],
)
def test_an_image_that_moves(image: str, why: str) -> None:
    assert floating(image) == why
