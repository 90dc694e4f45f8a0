"""What people see of the catalog in Argo's UI: the list of templates, the form of each, the form of a waiting node."""

import re
from typing import Any

import pytest
from workflows.catalog.generated import ALL, document

from slipway_workflows.catalog import templates

NAMES = sorted(templates())
INNER = {"app-host", "deploy-status", "release", "run-id", "workflow-status", "workflow-failures", "verdict"}
"""Names that only other templates set."""
UNITS = {
    "mib": "MiB",
    "ms": "Milliseconds",
    "percent": "%",
    "millicores": "millicores",
    "min": r"0 to 1",
    "requests": "[Nn]umber",
    "users": "[Nn]umber",
}
"""The last word of a parameter's name -> what its description has to say."""


def arguments(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document(name)["spec"]["arguments"].get("parameters", [])
    return found


@pytest.mark.parametrize("one", [one for one in ALL if one["kind"] in ("WorkflowTemplate", "CronWorkflow")])
def test_the_list_says_what_each_is_for(one: dict[str, Any]) -> None:
    text = one["metadata"]["annotations"]["workflows.argoproj.io/description"]
    assert re.fullmatch(r"[A-Z][^\n]{20,140}\.", text)
    assert "workflows.argoproj.io/title" not in one["metadata"]["annotations"], "it would hide the name"


@pytest.mark.parametrize("name", NAMES)
def test_the_form_shows_what_people_change_and_says_what_it_is(name: str) -> None:
    shown = arguments(name)
    assert not INNER & {one["name"] for one in shown}
    for one in shown:
        assert re.search(r"[.`]$", one["description"]), one
        unit = UNITS.get(one["name"].rsplit("-", 1)[-1])
        assert unit is None or re.search(unit, one["description"]), one
        if one.get("value") in ("true", "false"):
            assert one["enum"] == ["true", "false"], "a drop-down"
        assert one.get("value") in [*one.get("enum", [one.get("value")])]


@pytest.mark.parametrize("name", NAMES)
def test_a_field_has_the_default_of_the_input_that_it_fills(name: str) -> None:
    spec = document(name)["spec"]
    main = next(one for one in spec["templates"] if one["name"] == spec["entrypoint"])
    inputs = {one["name"]: one for one in main.get("inputs", {}).get("parameters", [])}
    for one in arguments(name):
        assert inputs.pop(one["name"]) == one
    assert all("value" in one for one in inputs.values()), "an input that nobody fills in needs a default"


def used(name: str, template: str) -> list[str]:
    """The inputs of a template in the order in which its steps, or its container, use them."""
    here = next(one for one in document(name)["spec"]["templates"] if one["name"] == template)
    if "container" in here:
        return [one["name"] for one in here.get("inputs", {}).get("parameters", [])]
    found: list[str] = []
    for step in (step for group in here.get("steps", []) for step in group):
        there = step.get("templateRef")
        if step.get("template") == template:
            continue  # a template that calls itself uses nothing more
        inside = used(there["name"], there["template"]) if there else used(name, step["template"])
        passed = {one["name"]: one["value"] for one in step.get("arguments", {}).get("parameters", [])}
        for one in inside:
            found += re.findall(r"\{\{inputs\.parameters\.([\w-]+)\}\}", str(passed.get(one, "")))
        found += re.findall(r"\{\{inputs\.parameters\.([\w-]+)\}\}", step.get("when", ""))
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"build-images"}))
def test_the_fields_are_in_the_order_of_their_use(name: str) -> None:
    shown = [one["name"] for one in arguments(name)]
    order = [one for one in used(name, "main") if one in shown]
    assert set(order) == set(shown), "a field that nothing uses"
    # what is judged comes before how it is judged
    assert shown == sorted(shown, key=order.index)


SUSPENDED = [(name, one) for name in NAMES for one in document(name)["spec"]["templates"] if "suspend" in one]


@pytest.mark.parametrize(("name", "node"), SUSPENDED, ids=[f"{name}/{one['name']}" for name, one in SUSPENDED])
def test_a_waiting_node_takes_all_that_its_form_sends(name: str, node: dict[str, Any]) -> None:
    """The form of a waiting node in Argo's UI shows its inputs and sends every one back as an output. Argo refuses
    outputs that are not `supplied`; an input with an `enum` is shown with its `default`, not with its `value`.
    """
    outputs = {one["name"]: one["valueFrom"] for one in node["outputs"]["parameters"]}
    for one in node["inputs"]["parameters"]:
        assert outputs[one["name"]]["supplied"] == {}
        assert outputs[one["name"]].get("default"), "RESUME of the toolbar needs a default"
        if "enum" in one:
            assert one["default"] == one["value"] == outputs[one["name"]]["default"]
        assert one["description"]


def test_a_failed_step_tells_its_reason_in_the_message_of_its_node() -> None:
    for name in set(NAMES) - {"build-images"}:
        for one in document(name)["spec"]["templates"]:
            if "container" in one:
                assert "--termination-log=/dev/termination-log" in one["container"]["args"]
