"""What is generated, and how drift is seen."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows import render
from slipway_workflows.catalog import objects


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """The WorkflowTemplates."""
    return {
        name: text for name, text in render.rendered().items() if yaml.safe_load(text)["kind"] == "WorkflowTemplate"
    }


def test_the_committed_manifests_are_what_the_catalog_says() -> None:
    assert render.check(PROJECT_ROOT / "workflows" / "manifests") == []


def test_writing_twice_changes_nothing_more(tmp_path: Path) -> None:
    assert len(render.write(tmp_path)) == len(objects())
    assert render.write(tmp_path) == []
    assert render.check(tmp_path) == []


def test_each_kind_of_drift_is_seen_and_mended(tmp_path: Path) -> None:
    render.write(tmp_path)
    (tmp_path / "train-model.yaml").unlink()
    (tmp_path / "old-template.yaml").write_text("kind: WorkflowTemplate\n")
    (tmp_path / "promote-model.yaml").write_text("edited by hand\n")
    assert sorted(fault.split(" (")[0] for fault in render.check(tmp_path)) == [
        "missing: train-model.yaml",
        "orphaned: old-template.yaml",
        "stale: promote-model.yaml",
    ]
    render.write(tmp_path)
    assert render.check(tmp_path) == []


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_every_string_comes_back_as_that_string(data: dict[str, str]) -> None:
    assert yaml.safe_load(yaml.dump(data, Dumper=render._Dumper)) == data


@pytest.mark.parametrize(
    "value", ["1234e56", "08", "0x1f", "true", "no", "null", "2024-01-01", "1_000", "~", "1:30", ""]
)
def test_what_yaml_would_read_as_something_else_is_quoted(value: str) -> None:
    assert f'"{value}"' in yaml.dump({"value": value}, Dumper=render._Dumper)


def test_main_mirrors_the_arguments_of_its_template(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        spec = yaml.safe_load(text)["spec"]
        main = next(t for t in spec["templates"] if t["name"] == "main")
        given = {p["name"]: p.get("value") for p in spec["arguments"]["parameters"]}
        assert given.items() <= {p["name"]: p.get("value") for p in main["inputs"]["parameters"]}.items(), name


def test_templates_read_their_own_inputs_only(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        templates = yaml.safe_load(text)["spec"].get("templates")
        assert "workflow.parameters" not in yaml.safe_dump(templates), name
        assert "?." not in text, name
        assert "localhost" not in text, name
        assert "127.0.0.1" not in text, name


def test_every_output_has_a_default(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        for template in yaml.safe_load(text)["spec"]["templates"]:
            for output in template.get("outputs", {}).get("parameters", []):
                assert output["valueFrom"].get("default"), (name, template["name"], output["name"])


def test_the_release_lock_is_no_leaf_mutex(texts: dict[str, str]) -> None:
    for text in texts.values():
        for template in yaml.safe_load(text)["spec"]["templates"]:
            for mutex in template.get("synchronization", {}).get("mutexes", []):
                assert mutex["name"].startswith(("env-", "perf-"))
    locked = {name for name, text in texts.items() if "synchronization" in yaml.safe_load(text)["spec"]}
    assert locked == {"build-initial.yaml", "promote-by-canary.yaml", "release-model.yaml", "test-staging.yaml"}


def test_a_parameter_has_one_default_everywhere(texts: dict[str, str]) -> None:
    """Except three: a build has no default version, a promotion's default target is one environment further, and the
    scenario of a performance test is a file.
    """
    seen: dict[str, set[str | None]] = {}
    for text in texts.values():
        for parameter in yaml.safe_load(text)["spec"]["arguments"]["parameters"]:
            seen.setdefault(parameter["name"], set()).add(parameter.get("value"))
    several = {name: values for name, values in seen.items() if len(values) > 1}
    assert set(several) <= {"model-version", "target-environment", "scenario"}, several
