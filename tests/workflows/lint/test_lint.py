"""Each rule by its page's examples; findings, output, and that nothing breaks the linter."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway_steps.domain.errors import BadInput
from slipway_workflows.cli import main
from slipway_workflows.lint import RULES, Finding, lint

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "lint.md").read_text()
SECTIONS = {match[1]: match for match in re.findall(r"^## ((SL\d+) ([a-z0-9-]+))\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)}


def write(path: Path, example: str) -> Path:
    """An example, put into a Workflow where it is only a list of templates."""
    loaded = yaml.safe_load(example)
    if isinstance(loaded, list):
        spec = {"entrypoint": "main", "templates": loaded}
        loaded = {"kind": "Workflow", "metadata": {"name": "wf"}, "spec": spec}
    path.write_text(yaml.safe_dump(loaded, sort_keys=False))
    return path


def rules_of(path: Path) -> set[str]:
    return {finding.rule.split()[0] for finding in lint([path])}


def test_every_rule_has_its_section_and_every_section_its_rule() -> None:
    assert [rule.id for rule in RULES] == sorted(SECTIONS)
    assert {rule.id: rule.name for rule in RULES} == {key: section[2] for key, section in SECTIONS.items()}
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_the_bad_example_breaks_the_rule_and_the_good_one_does_not(rule: str, tmp_path: Path) -> None:
    examples = dict(re.findall(r"```yaml (bad|good)\n(.*?)```", SECTIONS[rule][3], re.S))
    assert set(examples) == {"bad", "good"}
    assert rule in rules_of(write(tmp_path / "bad.yaml", examples["bad"]))
    assert rule not in rules_of(write(tmp_path / "good.yaml", examples["good"]))


def test_a_finding_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "wf.yaml"
    file.write_text(
        "kind: ConfigMap\nmetadata: {name: x}\n---\n"
        "kind: Workflow\nmetadata: {name: wf}\nspec:\n  entrypoint: main\n  templates:\n"
        "  - name: main\n    container:\n      image: acme/x:latest\n"
    )
    (found,) = [one for one in lint([file]) if one.rule.startswith("SL013")]
    assert (found.file, found.line) == (str(file), 11)


def test_files_refer_to_each_other(tmp_path: Path) -> None:
    called = {"kind": "WorkflowTemplate", "metadata": {"name": "called"}, "spec": {"templates": [{"name": "main"}]}}
    (tmp_path / "called.yaml").write_text(yaml.safe_dump(called))
    reference = {"name": "a", "templateRef": {"name": "called", "template": "main"}}
    step = {**reference, "arguments": {"parameters": [{"name": "x", "value": "1"}]}}
    write(tmp_path / "wf.yaml", yaml.safe_dump([{"name": "main", "steps": [[step]]}]))
    assert "SL011" not in rules_of(tmp_path / "wf.yaml")
    assert "SL011" in rules_of(tmp_path)


def test_a_mutex_is_followed_through_a_template_reference(tmp_path: Path) -> None:
    lock = {"mutexes": [{"name": "m"}]}
    pod = {"name": "main", "synchronization": lock, "container": {"image": "acme/x:1.0.0"}}
    called = {"kind": "WorkflowTemplate", "metadata": {"name": "called"}, "spec": {"templates": [pod]}}
    (tmp_path / "called.yaml").write_text(yaml.safe_dump(called))
    step = {"name": "a", "templateRef": {"name": "called", "template": "main"}}
    spec = {"entrypoint": "main", "synchronization": lock, "templates": [{"name": "main", "steps": [[step]]}]}
    caller = {"kind": "WorkflowTemplate", "metadata": {"name": "caller"}, "spec": spec}
    (tmp_path / "caller.yaml").write_text(yaml.safe_dump(caller))
    assert [one.file for one in lint([tmp_path]) if one.rule.startswith("SL012")] == [str(tmp_path / "caller.yaml")]


def test_the_workflow_inside_a_sensor_is_looked_at(tmp_path: Path) -> None:
    workflow = {
        "kind": "Workflow",
        "metadata": {"generateName": "x-"},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "container": {"image": "acme/x"}}]},
    }
    trigger = {"template": {"name": "t", "k8s": {"operation": "create", "source": {"resource": workflow}}}}
    sensor = {"kind": "Sensor", "metadata": {"name": "s"}, "spec": {"triggers": [trigger]}}
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(sensor))
    assert "SL013" in rules_of(tmp_path)


def test_what_hangs_on_argo_is_warned_of(tmp_path: Path) -> None:
    for name in ("simple", "expression"):
        read = {"simple": "{{tasks.a.outputs.result}}", "expression": "{{=upper(tasks['a'].outputs.result)}}"}[name]
        tasks: list[dict[str, Any]] = [
            {"name": "a", "template": "s", "when": '"{{workflow.name}}" == "x"'},
            {
                "name": "b",
                "template": "s",
                "depends": "a",
                "arguments": {"parameters": [{"name": "v", "value": read}]},
            },
        ]
        file = write(tmp_path / f"{name}.yaml", yaml.safe_dump([{"name": "main", "dag": {"tasks": tasks}}]))
        assert "SL009" in rules_of(file)


def test_our_own_manifests_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(ROOT / "workflows" / "manifests")]) == 0, capsys.readouterr().out


def test_outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "wf.yaml", "- name: main\n  container: {image: 'acme/x:latest'}\n")
    assert main(["lint", str(file), "--output", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {key for one in found for key in one} == {"rule", "file", "line", "message", "fix"}
    assert main(["lint", str(file), "--output", "sarif"]) == 1
    log = json.loads(capsys.readouterr().out)
    assert log["version"] == "2.1.0"
    ids = {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in log["runs"][0]["results"]} <= ids
    assert main(["lint", str(file)]) == 1
    assert f"{file}:" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["a: [", "kind: Workflow\n--- x\ny: {", "\x00"])
def test_what_cannot_be_read_is_exit_code_1(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    assert main(["lint", str(tmp_path / "bad.yaml")]) == 1
    assert str(tmp_path / "bad.yaml") in capsys.readouterr().err
    assert main(["lint", str(tmp_path / "none.yaml")]) == 1


KEYS = ["name", "template", "templateRef", "steps", "dag", "tasks", "when", "container", "image", "args", "inputs"]
KEYS += ["parameters", "outputs", "valueFrom", "synchronization", "mutexes", "depends", "resource", "script", "source"]
WORDS = ["a", "{{steps.a.outputs.result}}", "{{=steps?.a}}", "{{", "a.Failed", "x:latest", "sh", "-c", "1 == "]
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(WORDS)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.sampled_from(["entrypoint", "templates", "arguments", "synchronization"]), VALUES))
def test_nothing_that_is_yaml_breaks_it(tmp_path: Path, spec: dict[str, Any]) -> None:
    (tmp_path / "wf.yaml").write_text(yaml.safe_dump({"kind": "Workflow", "metadata": {"name": "wf"}, "spec": spec}))
    with contextlib.suppress(BadInput):
        assert all(isinstance(one, Finding) for one in lint([tmp_path / "wf.yaml"]))
