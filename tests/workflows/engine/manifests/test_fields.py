"""The shape of a workflow: it is Argo's own, and what does not have it is refused by its path in one line."""

import json
import types
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from slipway_steps.domain.errors import SlipwayError
from slipway_workflows import engine
from slipway_workflows.cli import main
from slipway_workflows.engine.manifests import fields

LEAVES = {str: fields.STRING, int: fields.INTEGER, bool: fields.BOOLEAN}


def disagreements(shape: Any, annotation: Any, path: str, seen: set[int]) -> list[str]:
    """Where a shape of ours says another type than one of Hera's models, which are generated from Argo's API."""
    if isinstance(annotation, types.UnionType) or (
        get_origin(annotation) is not None and type(None) in get_args(annotation)
    ):
        (annotation,) = [kind for kind in get_args(annotation) if kind is not type(None)]
    if shape is fields.ANY:
        return []
    if isinstance(shape, list):
        inner = annotation.model_fields["root"].annotation if hasattr(annotation, "model_fields") else annotation
        return disagreements(shape[0], get_args(inner)[0], path + "[]", seen)
    if get_origin(annotation) is dict:
        return disagreements(shape["*"], get_args(annotation)[1], path + ".*", seen)
    if isinstance(shape, dict):
        assert issubclass(annotation, BaseModel), f"{path}: {annotation} is no model"
        if id(shape) in seen:
            return []
        seen.add(id(shape))
        known = {info.alias or name: info.annotation for name, info in annotation.model_fields.items()}
        missing = [f"{path}.{name}" for name in shape if name != "*" and name not in known]
        found = [(name, inner) for name, inner in shape.items() if name in known]
        return missing + [
            wrong for name, inner in found for wrong in disagreements(inner, known[name], f"{path}.{name}", seen)
        ]
    shape = {fields.PLAIN: fields.STRING, fields.MODE: fields.INTEGER}.get(shape, shape)
    wanted = fields.INT_OR_STRING if annotation.__name__ == "IntOrString" else LEAVES[annotation]
    return [] if shape == wanted else [f"{path}: {shape}, not {wanted}"]


def test_the_types_are_those_of_argo_s_api() -> None:
    from hera.workflows import models

    known_to_argo_4_1_only = ["spec.templateDefaults.pendingTimeout", "spec.templateDefaults.priority"]
    assert sorted(disagreements(fields.SPEC, models.WorkflowSpec, "spec", set())) == known_to_argo_4_1_only
    assert disagreements(fields.METADATA, models.ObjectMeta, "metadata", set()) == []


WORKFLOW = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf, labels: {a: b}}
spec:
  entrypoint: main
  arguments: {parameters: [{name: p, value: v}]}
  templates:
  - name: main
    steps:
    - - {name: a, template: pod, when: "true", arguments: {parameters: [{name: q, value: "{{item}}"}]}, withItems: [1]}
  - name: graph
    dag: {tasks: [{name: t, template: pod, dependencies: [], arguments: {parameters: [{name: q, value: x}]}}]}
  - name: pod
    inputs: {parameters: [{name: q}]}
    outputs: {parameters: [{name: o, valueFrom: {path: /tmp/o, default: x}}]}
    retryStrategy: {limit: "1", backoff: {duration: "0", factor: 2}}
    synchronization: {mutexes: [{name: m}]}
    container: {image: busybox, command: [sh], args: [-c, echo], env: [{name: E, value: x}]}
"""


def changed(path: str, value: Any) -> dict[str, Any]:
    """The workflow above with `value` at `path`; numbers are indexes."""
    manifest: Any = yaml.safe_load(WORKFLOW)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    place = manifest
    for part in parents:
        place = place[part]
    place[last] = value
    found: dict[str, Any] = manifest
    return found


LEAF, STEP = "spec/templates/2", "spec/templates/0/steps/0/0"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("metadata/name", {}, "metadata"),
        ("metadata/labels", "text", "metadata.labels: must be a map"),
        ("metadata/labels/a", 5, "metadata.labels.a: must be a string, not 5; quote it"),
        ("spec/entrypoint", 5, "spec.entrypoint: must be a string"),
        ("spec/arguments", [], "spec.arguments: must be a map, not a list"),
        ("spec/arguments/parameters", {"a": 1}, "spec.arguments.parameters: must be a list, not a map"),
        ("spec/arguments/parameters/0", None, "spec.arguments.parameters[0]: is empty"),
        ("spec/arguments/parameters/0/value", 1, "spec.arguments.parameters.p.value: must be a string, not 1"),
        ("spec/parallelism", "two", "spec.parallelism: must be an integer"),
        ("spec/activeDeadlineSeconds", True, "spec.activeDeadlineSeconds: must be an integer, not True"),
        ("spec/hooks", {"exit": None}, "spec.hooks.exit: is empty"),
        ("spec/workflowTemplateRef", "text", "spec.workflowTemplateRef: must be a map"),
        ("spec/templates", "text", "spec.templates: must be a list, not 'text'"),
        ("spec/templates/0", 5, "spec.templates[0]: must be a map, not 5"),
        ("spec/templates/1/name", None, "spec.templates[1]: needs a name"),
        ("spec/templates/0/steps", "text", "templates.main.steps: must be a list"),
        ("spec/templates/0/steps/0", {"name": "a"}, "templates.main.steps[0]: must be a list, not a map"),
        (STEP, 5, "templates.main.steps[0][0]: must be a map, not 5"),
        (STEP + "/name", 5, "name: must be a string, not 5"),
        (STEP + "/name", "", "needs a name"),
        (STEP + "/when", True, "a.when: must be a string, not True; quote it"),
        (STEP + "/withItems", "text", "a.withItems: must be a list"),
        (STEP + "/arguments/parameters/0", "text", "a.arguments.parameters[0]: must be a map"),
        (LEAF + "/container", "busybox", "container: must be a map"),
        (LEAF + "/container/image", 5, "container.image: must be a string"),
        (LEAF + "/container/command", "sh", "container.command: must be a list"),
        (LEAF + "/container/args", [1], "container.args[0]: must be a string, not 1"),
        (LEAF + "/container/env/0", {"value": "x"}, "container.env[0]: needs a name"),
        ("spec/podSpecPatch", [1], "spec.podSpecPatch: must be a string, not a list"),
        ("spec/nodeSelector", 7, "spec.nodeSelector: must be a map, not 7"),
        ("spec/tolerations", {"key": "a"}, "spec.tolerations: must be a list, not a map"),
        (LEAF + "/metadata", {"labels": 5}, "metadata.labels: must be a map, not 5"),
        (LEAF + "/container/securityContext", 5, "container.securityContext: must be a map, not 5"),
        (LEAF + "/inputs", [], "inputs: must be a map"),
        (LEAF + "/outputs/parameters/0/valueFrom", "text", "o.valueFrom: must be a map"),
        (LEAF + "/retryStrategy", 3, "retryStrategy: must be a map"),
        (LEAF + "/retryStrategy/limit", "many", "retryStrategy.limit: must be an integer, or a string with one"),
        (LEAF + "/retryStrategy/backoff/duration", 5, "backoff.duration: must be a string"),
        (LEAF + "/synchronization/mutexes", [{}], "mutexes[0]: needs a name"),
        (LEAF + "/synchronization/mutexes/0/name", "a\0b", "mutexes[0].name: must be a string without a NUL character"),
        (LEAF + "/container/workingDir", "/tmp/\0", "container.workingDir: must be a string without a NUL"),
        (LEAF + "/outputs/parameters/0/valueFrom/path", "/tmp/\0", "o.valueFrom.path: must be a string without a NUL"),
        (LEAF + "/inputs/artifacts", [{"name": "r", "path": "\0"}], "artifacts.r.path: must be a string without a NUL"),
        (
            LEAF + "/inputs/artifacts",
            [{"name": "r", "mode": 10**20}],
            "r.mode: must be an integer from 0 to 511 (0777)",
        ),
        (LEAF + "/inputs/artifacts", [{"name": "r", "mode": 512}], "r.mode: must be an integer from 0 to 511 (0777)"),
        (LEAF + "/retryStrategy/limit", 2**31, "retryStrategy.limit: must be an integer, or a string with one"),
        (
            "spec/activeDeadlineSeconds",
            10**400,
            "spec.activeDeadlineSeconds: must be an integer from -9223372036854775",
        ),
    ],
)
def test_a_wrong_shape_is_named(tmp_path: Path, path: str, value: Any, said: str) -> None:
    file = tmp_path / "wf.yaml"
    file.write_text(json.dumps(changed(path, value)))
    with pytest.raises(SlipwayError) as caught:
        library = engine.load([file])
        engine.prepare(library, engine.main_object(library, file), {}, engine.Options(home=tmp_path / "home"))
    assert said in str(caught.value)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("path", "value"), [(LEAF + "/retryStrategy/limit", 3), (LEAF + "/activeDeadlineSeconds", "5")]
)
def test_either_a_number_or_a_text(tmp_path: Path, path: str, value: Any) -> None:
    engine.prepare(engine.Library(), changed(path, value), {}, engine.Options(home=tmp_path))


def test_a_malformed_template_of_another_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "wf.yaml"
    other = {"kind": "WorkflowTemplate", "metadata": {"name": "other"}, "spec": {"templates": "text"}}
    reference = changed(STEP, {"name": "a", "templateRef": {"name": "other", "template": "x"}})
    file.write_text("\n---\n".join(json.dumps(one) for one in (reference, other)))
    library = engine.load([file])
    with pytest.raises(SlipwayError, match=r"spec\.templates: must be a list"):
        engine.prepare(library, engine.main_object(library, file), {}, engine.Options(home=tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        "kind: Workflow\nmetadata: {name: a}\nspec: {x: .nan}",
        "kind: Workflow\nmetadata: {name: a}\nspec: {x: !!binary aGk=}",
        "kind: Workflow\nmetadata: {name: a}\nspec: {x: !!set {a}}",
        'kind: Workflow\nmetadata: {name: a}\nspec: {x: "\\ud83d"}',
        "kind: Workflow\nmetadata: {name: a}\nspec: {? [a] : x}",
        "kind: Workflow\nmetadata: {name: a}\nspec: &a [*a]",
        "kind: Workflow\nx: &a [1,1,1,1,1,1,1,1,1]\n"
        + "".join(f"x{n}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)),
    ],
)
def test_yaml_that_is_no_json_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / "home"))
    file = tmp_path / "wf.yaml"
    file.write_text(text)
    assert main(["--home", str(tmp_path / "home"), "run", str(file)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
