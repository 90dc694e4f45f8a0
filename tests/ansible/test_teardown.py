"""The playbook that takes Slipway away, as far as it goes without Helm."""

import pytest

WITHOUT_CHARTS = {"platform_services_enabled": False, "slipway_chart_enabled": False, "slipway_wait_timeout": 10}


@pytest.fixture(autouse=True)
def standing(api):
    names = ("slipway", "slipway-build", "argocd", "model-app-staging")
    api.add(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names))
    volume = {"name": "postgresql", "namespace": "slipway", "labels": {"app.kubernetes.io/part-of": "slipway"}}
    api.add({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": volume})
    cron = {"name": "cron-train", "namespace": "slipway"}
    api.add({"apiVersion": "argoproj.io/v1alpha1", "kind": "CronWorkflow", "metadata": cron})
    own = {"name": "somebody-else", "namespace": "slipway"}
    api.add({"apiVersion": "argoproj.io/v1alpha1", "kind": "CronWorkflow", "metadata": own})


def there(api, kind):
    return {key[3] for key, one in api.objects.items() if one["kind"] == kind}


def test_nothing_goes_by_a_slip(api, playbook):
    run = playbook("teardown.yml", **WITHOUT_CHARTS)
    assert run.failed == 1
    assert "set teardown_confirm=slipway" in " ".join(run.output.split())
    assert api.writes == []


def test_what_is_ours_goes_and_the_data_stays(api, playbook):
    variables = WITHOUT_CHARTS | {"teardown_confirm": "slipway", "workflow_templates_kinds": ["CronWorkflow"]}
    run = playbook("teardown.yml", **variables)
    assert run.failed == 0, run.output
    assert there(api, "CronWorkflow") == {"somebody-else"}
    assert there(api, "PersistentVolumeClaim") == {"postgresql"}
    assert there(api, "Namespace") == {"slipway", "argocd"}, "a namespace with a volume stays"
