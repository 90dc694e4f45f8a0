import json
import re
import time
from pathlib import Path

import pytest

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.validation import E2ETestScenario
from slipway_steps.settings import PROJECT_ROOT, Settings
from slipway_workflows.validation.end_to_end import EndToEndValidator
from slipway_workflows.validation.scenarios import FIELDS, discover, read_scenario

SHIPPED = PROJECT_ROOT / "workflows" / "validation" / "scenarios"
GOOD = """
scenario_name: normal release
pipeline_config_path: release-model
expected_steps: [train, promote]
"""


def written(directory: Path, text: str, name: str = "one.yaml") -> Path:
    path = directory / name
    path.write_text(text)
    return path


def refused(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        discover(path) if path.is_dir() else read_scenario(path)
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_what_a_scenario_leaves_out_has_the_defaults_of_the_model(tmp_path: Path) -> None:
    found = read_scenario(written(tmp_path, GOOD))
    assert (found.data_source, found.expect, found.timeout_minutes, found.memory_limit_gb) == (
        "synthetic",
        "succeeded",
        30,
        4.0,
    )
    assert found.validation_rules == {}
    assert found.directory == tmp_path


def test_the_page_on_operations_has_each_field_and_the_commands_that_it_shows_name_what_is_there() -> None:
    page = (PROJECT_ROOT / "docs" / "operations.md").read_text()
    assert [name for name in FIELDS if f"| `{name}` |" not in page] == []
    shown = set(re.findall(r"workflows/validation/scenarios[\w./-]*", page))
    assert shown
    assert all((PROJECT_ROOT / one).exists() for one in shown)


def test_a_scenario_for_a_release_as_people_write_it(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
scenario_name: normal release
pipeline_config_path: release-model      # a catalog name, or an Argo file beside this one
expected_steps: [train, evaluate, register, build, deploy, integration, resources, load, promote]
data_source: synthetic                   # synthetic (default), digits, or a directory
expect: promoted                         # promoted | rejected | succeeded | failed
validation_rules: {evaluation.accuracy: {min: 0.8}, load.p95: {max: 2000}, workflow.duration: {max: 300}}
timeout_minutes: 30
memory_limit_gb: 4.0
""",
    )
    found = EndToEndValidator(Settings(home=tmp_path / "home")).read_test_scenario(path)
    assert found.expect == "promoted"
    assert found.memory_limit_bytes == 4 * 2**30


def test_json_is_read_as_yaml_is(tmp_path: Path) -> None:
    told = {
        "scenario_name": "x",
        "pipeline_config_path": "release-model",
        "expected_steps": ["train"],
        "expect": "rejected",
        "validation_rules": {"load.p95": {"max": 2000}},
    }
    found = read_scenario(written(tmp_path, json.dumps(told), "one.json"))
    assert found.expect == "rejected"
    assert found.validation_rules["load.p95"].max == 2000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "timeout_minuts: 3", "unknown field timeout_minuts (did you mean timeout_minutes?)"),
        (GOOD + "directory: /tmp", "unknown field directory"),
        (GOOD + "validation_rules: {load.p95: {maximum: 3}}", "validation_rules.load.p95.maximum (did you mean max?)"),
        (GOOD + "validation_rules: {load.p95: {}}", "give min, max or both"),
        (GOOD + "validation_rules: {load.p95: {min: 3, max: 2}}", "min 3 is above max 2"),
        (GOOD + "validation_rules: {load.p95: 3}", "validation_rules.load.p95"),
        (GOOD + "validation_rules: {load.p95: {max: yes}}", "validation_rules.load.p95.max"),
        (GOOD + "timeout_minutes: 0", "timeout_minutes"),
        (GOOD + "memory_limit_gb: .inf", "JSON"),
        (GOOD + "expect: maybe", "expect"),
        (GOOD.replace("[train, promote]", "[]"), "expected_steps"),
        (GOOD.replace("[train, promote]", "train"), "expected_steps"),
        (GOOD.replace("scenario_name: normal release", ""), "scenario_name"),
        (GOOD + "expect: promoted\nexpect: rejected", "given twice"),
        (GOOD + "---" + GOOD, "2 documents"),
        ("[1, 2]", "is no scenario"),
        ("", "is no scenario"),
        ("a: [", "one.yaml"),
        ("apiVersion: v1\nkind: Workflow", "is an Argo object"),
        (GOOD.replace("release-model", "../release.yaml"), "outside"),
        (GOOD.replace("release-model", "/etc/hostname.yaml"), "outside"),
        (GOOD.replace("release-model", "gone.yaml"), "there is no pipeline"),
        (GOOD + "data_source: ../elsewhere", "outside"),
        (GOOD + "data_source: gone", "is no directory"),
        (GOOD + "data_source: /gone/far", "is no directory"),
        (GOOD + 'data_source: "a\\0b"', "outside"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(written(tmp_path, text))


def test_a_scenario_that_is_a_link_out_of_its_directory_is_not_read(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    written(tmp_path, "the: secret\nlines: here", "elsewhere.yaml")
    link = inside / "link.yaml"
    link.symlink_to("../elsewhere.yaml")
    for path in (link, inside):
        said = refused(path)
        assert said.startswith(f"{link} is a link that leads out of its directory")
        assert "secret" not in said
        assert "lines" not in said


def test_a_link_within_the_directory_is_read(tmp_path: Path) -> None:
    """A ConfigMap's files are links into a directory beside them."""
    (tmp_path / "..data").mkdir()
    written(tmp_path / "..data", GOOD)
    (tmp_path / "one.yaml").symlink_to("..data/one.yaml")
    assert [one.scenario_name for one in discover(tmp_path)] == ["normal release"]
    around = tmp_path.with_name(f"{tmp_path.name}-link")
    around.symlink_to(tmp_path)
    assert len(discover(around)) == 1


def test_a_link_out_of_the_directory_is_outside(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    written(tmp_path, "kind: Workflow", "pipeline.yaml")
    (inside / "link.yaml").symlink_to(tmp_path / "pipeline.yaml")
    assert "outside" in refused(written(inside, GOOD.replace("release-model", "link.yaml")))


def test_a_yaml_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    begin = time.monotonic()
    assert "values" in refused(written(tmp_path, "\n".join(lines)))
    assert time.monotonic() - begin < 10


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert "deep" in refused(written(tmp_path, "[" * 100_000))
    assert "not JSON" in refused(written(tmp_path, "[" * 100_000, "deep.json"))


def test_one_bad_file_of_a_directory_refuses_all(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "a.yaml")
    written(tmp_path, GOOD + "colour: blue", "b.yaml")
    assert "b.yaml: unknown field colour" in refused(tmp_path)


def test_a_directory_without_scenarios_is_no_pass(tmp_path: Path) -> None:
    assert "holds no scenario" in refused(tmp_path)
    written(tmp_path, "apiVersion: v1\nkind: Workflow", "pipeline.yaml")
    assert "holds no scenario" in refused(tmp_path)
    with pytest.raises(BadInput, match="is not a directory"):
        discover(tmp_path / "gone")


def test_two_scenarios_of_one_name_are_refused(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "a.yaml")
    written(tmp_path, GOOD, "b.yaml")
    assert "same scenario_name" in refused(tmp_path)


def test_pytest_does_not_take_the_model_for_tests() -> None:
    assert E2ETestScenario.__test__ is False


def test_the_six_shipped_scenarios_are_found() -> None:
    assert [one.scenario_name for one in discover(SHIPPED)] == [
        "bad architecture",
        "custom workflow",
        "flaky metrics",
        "normal release",
        "oversized",
        "slow",
    ]
