"""The templates that files hold, and the order in which a name is looked up in them."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from slipway_steps.domain.errors import BadInput
from slipway_workflows.engine.manifests.library import load, main_object
from slipway_workflows.engine.manifests.yaml_reader import read_documents


def template(name: str, mark: str, kind: str = "WorkflowTemplate") -> str:
    return yaml.safe_dump({"kind": kind, "metadata": {"name": name}, "spec": {"entrypoint": mark, "templates": []}})


def test_the_file_wins_then_the_others_then_the_catalog(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    (catalog / "all.yaml").write_text("---\n".join(template(name, "catalog") for name in "abc"))
    (tmp_path / "one.yaml").write_text(template("a", "one"))
    (tmp_path / "two.yaml").write_text(template("a", "two") + "---\n" + template("b", "two"))
    library = load([tmp_path / "one.yaml", tmp_path / "two.yaml"], catalog)
    assert [library.template(name)["spec"]["entrypoint"] for name in "abc"] == ["one", "two", "catalog"]
    with pytest.raises(BadInput, match="known: a, b, c"):
        library.template("d")


@pytest.mark.parametrize(
    ("kinds", "chosen"),
    [
        (["WorkflowTemplate", "CronWorkflow", "Workflow"], "Workflow"),
        (["WorkflowTemplate", "CronWorkflow"], "CronWorkflow"),
        (["ConfigMap", "ClusterWorkflowTemplate", "WorkflowTemplate"], "ClusterWorkflowTemplate"),
    ],
)
def test_what_running_a_file_means(tmp_path: Path, kinds: list[str], chosen: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("---\n".join(template(f"n{n}", "m", kind) for n, kind in enumerate(kinds)))
    assert main_object(load([path]), path)["kind"] == chosen


def test_a_file_with_two_workflows_or_none(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(template("a", "m", "Workflow") + "---\n" + template("b", "m", "Workflow"))
    with pytest.raises(BadInput, match="2 Workflows"):
        main_object(load([path]), path)
    path.write_text(template("a", "m", "ConfigMap"))
    with pytest.raises(BadInput, match="nothing in it can be run"):
        main_object(load([path]), path)


def test_scalars_are_read_as_on_the_cluster(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("kind: X\na: 1e3\nb: 2024-01-01\nc: 1:30\nd: 'x'\ne: 1.10\nf: 0x10\n")
    ((found, line),) = read_documents(path)
    assert line == 1
    assert found == {"kind": "X", "a": 1000.0, "b": "2024-01-01", "c": 90, "d": "x", "e": 1.1, "f": 16}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: A\na: [", "f.yaml:[23]"),
        ("kind: A\nb: 1\nb: 2\n", "'b' given twice"),
        ("- 1\n", "no Kubernetes object"),
        ("kind: Workflow\n", "without metadata.name"),
        ("kind: Workflow\nmetadata: {name: a}\nspec: 7\n", "without a spec"),
        ("a: &x [*x]", "recursive"),
        ("kind: !!python/object:os.system x", "could not determine a constructor"),
    ],
)
def test_garbage_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=said):
        load([path])


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
@pytest.mark.parametrize("command", ["run", "lint"])
def test_what_is_nested_too_deeply_does_not_kill_the_process(tmp_path: Path, opening: str, command: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(opening * 100_000)
    # a process of its own: libyaml would take this one along
    argv = [sys.executable, "-c", "from slipway_workflows.cli import script; script()", command, str(path)]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert ended.returncode == 1
    assert "nested too deeply" in ended.stderr
    assert ended.stderr.count("\n") == 1
