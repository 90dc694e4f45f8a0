"""Workflows that are started on a cluster: from a template, by a cron workflow, by `promote` and by `revert`."""

import pytest
from kube_api_server import KubeApi
from workflows.cluster.stored import on_cluster

from slipway_workflows.cli import main


def test_submit_is_what_argo_submit_from_makes(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "release-model", "-p", "scenario=slow", "--cluster"]) == 0
    name = capsys.readouterr().out.strip()
    workflow = on_cluster(api, name)
    assert name.startswith("release-model-")
    assert workflow["spec"] == {
        "workflowTemplateRef": {"name": "release-model"},
        "arguments": {"parameters": [{"name": "scenario", "value": "slow"}]},
    }
    assert workflow["metadata"]["labels"] == {"workflows.argoproj.io/workflow-template": "release-model"}


def test_an_answer_that_was_lost_makes_no_second_workflow(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.lost = 2
    assert main(["submit", "release-model", "--cluster"]) == 0
    name = capsys.readouterr().out.strip()
    assert [key[3] for key in api.objects if key[1] == "workflows"] == [name]


def test_a_cron_workflow_starts_now(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "cron-train", "--cluster"]) == 0
    workflow = on_cluster(api, capsys.readouterr().out.strip())
    assert workflow["spec"]["workflowTemplateRef"] == {"name": "release-model"}
    assert workflow["metadata"]["labels"] == {"workflows.argoproj.io/cron-workflow": "cron-train"}


def application(api: KubeApi, environment: str, version: str) -> None:
    parameters = [{"name": "image.digest", "value": "sha256:" + "a" * 64}, {"name": "modelVersion", "value": version}]
    api.add(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": f"model-app-{environment}", "namespace": "argocd"},
            "spec": {"source": {"helm": {"parameters": parameters}}},
        }
    )


@pytest.mark.parametrize(
    ("argv", "template", "expected"),
    [
        (
            ["promote", "--to", "canary"],
            "promote-model",
            {"source-environment": "staging", "target-environment": "canary", "model-version": "7"},
        ),
        (["promote", "--to", "production"], "promote-to-production", {"model-version": "8"}),
        (
            ["revert", "canary", "--reason", "slow"],
            "revert-model",
            {"target-environment": "canary", "reason": "slow", "model-version": "8"},
        ),
    ],
)
def test_promote_and_revert_name_the_version_that_a_person_sees(
    api: KubeApi, argv: list[str], template: str, expected: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    application(api, "staging", "7")
    application(api, "canary", "8")
    assert main([*argv, "--cluster"]) == 0
    workflow = on_cluster(api, capsys.readouterr().out.strip())
    assert workflow["spec"]["workflowTemplateRef"] == {"name": template}
    assert {one["name"]: one["value"] for one in workflow["spec"]["arguments"]["parameters"]} == expected
