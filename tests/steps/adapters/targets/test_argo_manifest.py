"""The Workflow that a session submits: labelled, admitted under the restricted standard, with the scenario's limits."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from argo_pod import step_pod
from pod_security import violations
from steps.adapters.targets.pipelines import SESSION, compiled, scenario, two_steps, written

from slipway_steps.adapters.targets.argo_manifest import SESSION_LABEL, session_workflow, with_images
from slipway_steps.adapters.targets.argo_schedule import cron_workflow, firings_of
from slipway_steps.adapters.targets.pipeline_file import read_ir, read_workflow
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.perf_until import UNTIL
from slipway_steps.settings import PROJECT_ROOT

SCHEMAS = PROJECT_ROOT.parent / "shared" / "schemas" / "argo-workflows-4.1.2"
SHIPPED = sorted((PROJECT_ROOT / "workflows" / "perf").rglob("*.yaml"))


def made(pipeline: Path, **more: Any) -> dict[str, Any]:
    return session_workflow(read_workflow(pipeline), SESSION, scenario(**more), "slipway-perf", "slipway-pipeline")


@cache
def schema(kind: str) -> Any:
    found = json.loads((SCHEMAS / f"{kind}.json").read_text())
    return found.get("openAPIV3Schema", found)


@pytest.mark.skipif(not SCHEMAS.exists(), reason="the CRD schemas of Argo Workflows are not beside this checkout")
def test_the_schemas_of_argo_accept_it(tmp_path: Path) -> None:
    workflow = made(two_steps(tmp_path), resourceLimits={"cpu": "2", "memory": "4Gi"})
    workflow["metadata"]["name"] = "x"
    jsonschema.validate(workflow, schema("workflows"))
    jsonschema.validate(cron_workflow(workflow, 30, 5), schema("cronworkflows"))


def test_each_pod_is_admitted_and_has_the_limits(tmp_path: Path) -> None:
    workflow = made(two_steps(tmp_path), resourceLimits={"cpu": "2", "memory": "4Gi"})
    pod = step_pod(workflow["spec"], workflow["spec"]["templates"][1])
    assert violations(pod) == []
    (main,) = (one for one in pod["containers"] if one["name"] == "main")
    assert main["resources"]["limits"] == {"cpu": "2", "memory": "4Gi"}
    assert main["resources"]["requests"] == {"cpu": "50m", "memory": "64Mi"}, "else the limit would be the request"
    assert workflow["spec"]["podMetadata"]["labels"][SESSION_LABEL] == SESSION


def test_own_requests_and_an_own_patch_stay(tmp_path: Path) -> None:
    path = two_steps(tmp_path, resources={"requests": {"cpu": "1"}})
    pipeline = json.loads(path.read_text())
    pipeline["spec"]["templates"][1]["podSpecPatch"] = '{"containers": [{"name": "main", "env": [{"name": "A"}]}]}'
    workflow = made(written(path, pipeline), resourceLimits={"cpu": "2"})
    pod = step_pod(workflow["spec"], workflow["spec"]["templates"][1])
    (main,) = (one for one in pod["containers"] if one["name"] == "main")
    assert main["resources"]["requests"]["cpu"] == "1"
    assert main["env"] == [{"name": "A"}]
    assert violations(pod) == []


def test_a_killed_session_leaves_no_run_for_ever(tmp_path: Path) -> None:
    assert made(two_steps(tmp_path), runTime=2)["spec"]["activeDeadlineSeconds"] == 180


@pytest.mark.parametrize(
    ("change", "more", "told"),
    [
        ({}, {"parameters": {"sconds": "1"}}, "no parameter sconds (it has seconds, code)"),
        ({"resources": {"requests": {"cpu": "4"}}}, {"resourceLimits": {"cpu": "2"}}, "asks for 4 of cpu"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path: Path, change: Any, more: Any, told: str) -> None:
    with pytest.raises(BadInput) as raised:
        made(two_steps(tmp_path, **change), **more)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_images_of_ours_and_no_others_get_the_registry_of_the_installation(tmp_path: Path) -> None:
    ours, images = "slipway/steps:0.1.0", {"steps": "r.example/slipway/steps@sha256:1"}
    kept = ["python:3.11", "slipway/train:0.1.0", "r.example/slipway/steps:0.1.0", "{{inputs.parameters.image}}"]
    told = {"templates": [{"container": {"image": image, "args": [ours]}} for image in (ours, *kept)]}
    found = with_images(told, images)["templates"]
    assert [one["container"]["image"] for one in found] == [images["steps"], *kept]
    assert {one["container"]["args"][0] for one in found} == {ours}, "only images"


def test_limits_of_templates_elsewhere_are_refused(tmp_path: Path) -> None:
    spec = {"workflowTemplateRef": {"name": "train-model"}}
    path = written(tmp_path / "x.yaml", {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": spec})
    made(path)
    with pytest.raises(BadInput, match="templateRef"):
        made(path, resourceLimits={"cpu": "2"})


@pytest.mark.parametrize("text", ["{", "a: [", "", "- 1", "kind: Pod", "kind: Workflow", "a: b\n---\nkind: Workflow"])
def test_other_files_are_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    for read in (read_workflow, read_ir):
        with pytest.raises(BadInput) as raised:
            read(path)
        assert "\n" not in str(raised.value)


def test_the_pipelines_of_one_target_are_refused_by_the_other(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--target kfp"):
        read_workflow(compiled(tmp_path))
    with pytest.raises(BadInput, match="--target argo"):
        read_ir(two_steps(tmp_path))


def test_dates_stay_text(tmp_path: Path) -> None:
    path = two_steps(tmp_path)
    path.write_text(path.read_text().replace('"python:3.11-alpine"', '"a:2026-11-21"').replace('"0"', "2026-11-21"))
    json.dumps(made(path))


def cron(every: float) -> dict[str, Any]:
    own = {"labels": {SESSION_LABEL: SESSION}, "annotations": {UNTIL: "2026-11-21T12:00:00Z"}}
    found = cron_workflow({"metadata": {"name": "s", **own}, "spec": {}}, every)
    found["metadata"]["creationTimestamp"] = "2026-11-21T10:00:30Z"
    return found


def fired(due: str, created: str, finished: str = "") -> dict[str, Any]:
    metadata = {"name": due, "creationTimestamp": f"2026-11-21T{created}Z"}
    metadata["annotations"] = {"workflows.argoproj.io/scheduled-time": f"2026-11-21T{due}Z"}
    return {"metadata": metadata, "status": {"finishedAt": f"2026-11-21T{finished}Z"} if finished else {}}


NOON = 1795255200.0  # 2026-11-21T10:00:00Z


def test_lateness_missed_and_overlapping_firings() -> None:
    made = [fired("10:01:00", "10:01:03", "10:03:30"), fired("10:03:00", "10:03:01")]
    found = firings_of(cron(60), made, NOON + 5 * 60 + 10)
    assert [(one.due - NOON, one.lateness, one.overlapping) for one in found] == [
        (60, 3, False),
        (120, None, False),
        (180, 1, True),
        (240, None, False),
    ], "the one of 10:05 may still come"


def test_a_late_firing_moves_the_controllers_grid_and_loses_none_of_the_later_ones() -> None:
    made = [fired("10:01:15", "10:01:18"), fired("10:02:03", "10:02:04"), fired("10:02:48", "10:02:48")]
    made += [fired("10:04:18", "10:04:20")]
    found = firings_of(cron(45), made, NOON + 4 * 60 + 50)
    assert [(one.due - NOON, one.lateness) for one in found] == [
        (75, 3),
        (123, 1),
        (168, 0),
        (213, None),
        (258, 2),
    ], "one firing was really missed"
    assert firings_of(cron(45), [], NOON + 30 + 45 + 10) == [], "the first may still come"
    assert [one.due - NOON for one in firings_of(cron(45), [], NOON + 30 + 45 + 40)] == [75]


def test_intervals() -> None:
    assert cron(300)["spec"]["schedules"] == ["*/5 * * * *"]
    assert cron(45)["spec"]["schedules"] == ["@every 45s"]
    assert cron(420)["spec"]["schedules"] == ["@every 420s"], "*/7 is not every seven minutes at the end of an hour"
    with pytest.raises(BadInput):
        cron(0.5)
