"""The rule that finds releases without a mutex: what it takes for a deployment, and where a lock is enough."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from sampling import for_acceptance

from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.lint import lint
from slipway_workflows.lint.releases import deploys
from slipway_workflows.lint.subject import Template

ENTRY = ["python", "-m", "slipway_steps.entry"]
APPLICATION = "kind: Application\nmetadata: {name: app}"


def found(path: Path) -> list[str]:
    return [one.message for one in lint([path]) if one.rule.startswith("SL022")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"container": {"command": ENTRY, "args": ["deploy", "--model-version=7"]}}, True),
        ({"container": {"command": ENTRY, "args": ["integration"]}}, False),
        ({"container": {"command": ENTRY}}, False),
        ({"container": {"command": ["sh", "-c"], "args": ["kubectl -n staging set image deploy/app app=x"]}}, True),
        ({"container": {"command": ["kubectl", "get", "pods"]}}, False),
        ({"script": {"command": ["bash"], "source": "set -e\nhelm upgrade app ./chart"}}, True),
        ({"script": {"command": ["bash"], "source": "argocd app sync app --prune"}}, True),
        ({"script": {"command": ["python"], "source": "print('no helm here')"}}, False),
        ({"resource": {"action": "patch", "manifest": APPLICATION}}, True),
        ({"resource": {"action": "get", "manifest": APPLICATION}}, False),
        ({"resource": {"action": "create", "manifest": "kind: Job"}}, False),
        ({"container": {"command": "kubectl apply"}}, False),
        ({"container": {"command": 7, "args": {"a": 1}}}, False),
        ({"suspend": {}}, False),
    ],
)
def test_what_changes_an_environment(body: dict[str, Any], expected: bool) -> None:
    assert deploys(Template(body, ())) is expected


@pytest.mark.parametrize("name", ["release-model", *map(for_acceptance, ("test-staging", "build-initial"))])
def test_a_release_of_the_catalog_without_its_mutex_is_found(name: str, tmp_path: Path) -> None:
    shutil.copytree(PROJECT_ROOT / "workflows" / "manifests", tmp_path / "m")
    assert found(tmp_path / "m") == []
    path = tmp_path / "m" / f"{name}.yaml"
    manifest = yaml.safe_load(path.read_text())
    del manifest["spec"]["synchronization"]
    path.write_text(yaml.safe_dump(manifest))
    # build-initial deploys in one step, whose own mutexes are enough
    assert len(found(tmp_path / "m")) == (name != "build-initial")


def test_a_template_that_calls_itself_and_many_that_call_each_other_end(tmp_path: Path) -> None:
    steps = [[{"name": f"s{n}", "template": f"t{n}"} for n in range(20)]]
    templates: list[dict[str, Any]] = [{"name": f"t{n}", "steps": steps} for n in range(20)]
    templates.append({"name": "main", "steps": [[{"name": "a", "template": "t0"}, {"name": "b", "template": "apply"}]]})
    templates.append({"name": "apply", "container": {"image": "a:1", "command": ["kubectl", "apply", "-f", "x"]}})
    manifest = {"kind": "Workflow", "metadata": {"name": "wf"}, "spec": {"entrypoint": "main", "templates": templates}}
    (tmp_path / "wf.yaml").write_text(yaml.safe_dump(manifest))
    assert found(tmp_path / "wf.yaml") == ["apply changes an environment, and no mutex is held there"]
