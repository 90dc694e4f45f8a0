"""A value that a step would refuse is refused before anything starts, by its name and what is wanted."""

from pathlib import Path
from typing import Any

import pytest

from slipway_steps.domain.errors import BadInput, WorkflowInvalid
from slipway_workflows import engine
from slipway_workflows.cli.render import MANIFESTS
from slipway_workflows.step_parameters import check_parameters, with_absolute_paths

LIBRARY = engine.load([], MANIFESTS)


def check(name: str, **given: str) -> None:
    values = {key.replace("_", "-"): value for key, value in given.items()}
    check_parameters(LIBRARY.template(name), values, LIBRARY.find)


@pytest.mark.parametrize(
    ("name", "parameter", "value", "said"),
    [
        ("release-model", "accuracy_min", "abc", "Share of held-out images"),
        ("train-model", "seed", "-1", "greater than or equal to 0"),
        ("release-model", "load_users", "1.5", "load-users='1.5'"),
        ("test-staging", "p95_max_ms", "2s", "Milliseconds"),
        ("release-model", "scenario", "slwo", "oversized"),
        ("release-model", "dataset", "", "digits"),
        ("release-model", "accuracy_min", "nan", "finite number"),
        ("release-model", "accuracy_min", "80", "less than or equal to 1"),
        ("train-model", "recall_min", "-0.5", "greater than or equal to 0"),
        ("train-model", "loss_max", "inf", "finite number"),
        ("test-staging", "p95_max_ms", "0", "greater than 0"),
        ("test-staging", "success_min_percent", "950", "less than 100"),
        ("test-staging", "memory_max_mib", "nan", "finite number"),
        ("test-staging", "cpu_max_millicores", "-500", "greater than 0"),
        ("test-staging", "throttled_max_percent", "-1", "greater than or equal to 0"),
        ("test-staging", "model_version", "v1", "MLflow's version"),
        ("promote-model", "model_version", "abc", "MLflow's version"),
        ("revert-model", "model_version", "latest", "MLflow's version"),
        ("release-model", "cpu_request", "-5", "half a core"),
        ("release-model", "memory_request", "abc", "gibibytes"),
        ("release-model", "revision", "a b", "Source revision"),
    ],
)
def test_a_mistyped_value_is_named(name: str, parameter: str, value: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        check(name, **{parameter: value})
    assert said in str(caught.value)
    assert parameter.replace("_", "-") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_is_one_of_the_directory_where_it_was_typed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    source = LIBRARY.template("release-model")
    given = {"model-package": "mine", "dataset": "digits", "seed": "1"}
    found = with_absolute_paths(source, given, LIBRARY.find, tmp_path)
    assert found == given | {"model-package": str(tmp_path / "mine")}
    assert with_absolute_paths(source, {"model-package": ""}, LIBRARY.find, tmp_path) == {"model-package": ""}


@pytest.mark.parametrize("parameter", ["model-package", "dataset"])
def test_a_path_that_leads_nowhere_is_named_before_anything_starts(tmp_path: Path, parameter: str) -> None:
    with pytest.raises(BadInput, match=f"{parameter}=nowhere: there is no {tmp_path / 'nowhere'}"):
        with_absolute_paths(LIBRARY.template("release-model"), {parameter: "nowhere"}, LIBRARY.find, tmp_path)


@pytest.mark.parametrize("name", sorted(path.stem for path in MANIFESTS.glob("*.yaml")))
def test_what_the_manifests_say_themselves_is_right(name: str) -> None:
    kinds = ("WorkflowTemplate", "CronWorkflow")
    for manifest in (found for kind in kinds if (found := LIBRARY.find(kind, name))):
        check_parameters(manifest, {}, LIBRARY.find)


def test_every_parameter_of_a_release_that_is_no_text_is_checked() -> None:
    for parameter in LIBRARY.template("release-model")["spec"]["arguments"]["parameters"]:
        value = parameter["value"]
        if value.replace(".", "").isdigit():
            with pytest.raises(BadInput, match=parameter["name"]):
                check("release-model", **{parameter["name"]: "abc"})


def source(**spec: Any) -> dict[str, Any]:
    container = {
        "command": ["python"],
        "args": ["-m", "slipway_steps.entry", "train", "--seed={{inputs.parameters.s}}"],
    }
    pod = {"name": "pod", "inputs": {"parameters": [{"name": "s"}]}, "container": container}
    declared = {"parameters": [{"name": "number", "value": "0"}]}
    return {
        "kind": "Workflow",
        "metadata": {"name": "mine"},
        "spec": {"entrypoint": "main", "arguments": declared, "templates": [pod, spec]},
    }


ARGUMENTS = {"parameters": [{"name": "s", "value": "{{workflow.parameters.number}}"}]}
HOOK = {"template": "pod", "arguments": ARGUMENTS}


@pytest.mark.parametrize(
    "main",
    [
        {"name": "main", "steps": [[{"name": "a", "template": "pod", "arguments": ARGUMENTS}]]},
        {"name": "main", "dag": {"tasks": [{"name": "a", "template": "pod", "arguments": ARGUMENTS}]}},
        {
            "name": "main",
            "steps": [[{"name": "a", "template": "x", "hooks": {"exit": {"template": "pod", "arguments": ARGUMENTS}}}]],
        },
    ],
)
def test_a_value_is_followed_into_a_workflow_of_one_s_own(main: dict[str, Any]) -> None:
    check_parameters(source(**main), {"number": "5"}, LIBRARY.find)
    with pytest.raises(BadInput, match="number='x'"):
        check_parameters(source(**main), {"number": "x"}, LIBRARY.find)


def test_a_workflow_that_calls_itself_ends() -> None:
    main = {"name": "main", "steps": [[{"name": "a", "template": "main", "arguments": ARGUMENTS}]]}
    check_parameters(source(**main), {"number": "x"}, LIBRARY.find)


@pytest.mark.parametrize("spec", [None, 5, {"arguments": 5}, {"arguments": {"parameters": [None]}}])
def test_parameters_that_cannot_be_read_are_refused(spec: Any) -> None:
    with pytest.raises(WorkflowInvalid):
        check_parameters({"kind": "Workflow", "metadata": {"name": "a"}, "spec": spec}, {}, LIBRARY.find)
