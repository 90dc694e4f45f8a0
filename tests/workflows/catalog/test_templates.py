"""Rules that every workflow template of the catalog keeps: labels, retries and security contexts."""

from workflows.catalog.generated import document

from slipway_steps.domain.errors import Broken, Refused
from slipway_workflows.catalog import templates
from slipway_workflows.engine.language import exprlang


def test_people_find_workflows_by_what_they_were_started_with() -> None:
    found = {}
    for name in templates():
        for label, source in (document(name)["spec"]["workflowMetadata"].get("labelsFrom") or {}).items():
            parameters = {"model-version": "7", "target-environment": "canary"}
            value = exprlang.evaluate(source["expression"], {"workflow": {"parameters": parameters}})
            found[name, label.removeprefix("slipway.dev/")] = value
    assert found["promote-model", "model-version"] == "7"
    assert found["revert-model", "environment"] == "canary"
    assert {name for name, label in found if label == "model-version"} >= {"test-staging", "promote-to-production"}


def test_only_breakage_is_retried() -> None:
    for name in templates():
        for found in document(name)["spec"]["templates"]:
            if "container" in found:
                strategy = found["retryStrategy"]
                assert int(strategy["limit"]) == 2
                for status, code, message, again in (
                    ("Error", "-1", "pod deleted", True),
                    ("Error", "-1", "failed to save outputs: i/o timeout", True),
                    ("Failed", "-1", "The node was low on resource: memory.", True),
                    ("Failed", "-1", "Pod was terminated in response to imminent node shutdown.", True),
                    ("Failed", "-1", "", True),
                    ("Failed", str(Broken.exit_code), "MLflow: timeout", True),
                    ("Failed", str(Refused.exit_code), "", False),
                    ("Failed", "2", "", False),
                    ("Failed", "143", "", False),
                    # a pod that no node took until `pendingTimeout`: the next attempt would wait as long
                    ("Failed", "-1", "timeout", False),
                    ("Failed", "-1", "Pending timeout exceeded", False),
                    ("Failed", "-1", "Step exceeded its deadline", False),
                ):
                    known = {"lastRetry": {"status": status, "exitCode": code, "message": message}}
                    assert exprlang.evaluate(strategy["expression"], known) is again, (status, code, message)


def test_containers_are_locked_down() -> None:
    for name in templates():
        for found in document(name)["spec"]["templates"]:
            if "container" in found:
                context = found["container"]["securityContext"]
                assert context["runAsNonRoot"]
                assert context["readOnlyRootFilesystem"]
                assert not context["allowPrivilegeEscalation"]
                assert context["capabilities"] == {"drop": ["ALL"]}
                assert ":latest" not in found["container"]["image"]
