"""The playbook that takes Slipway away, as far as it goes without Helm."""

import pytest
from ansible_runs import namespaces

WITHOUT_CHARTS = {"platform_services_enabled": False, "slipway_chart_enabled": False, "slipway_wait_timeout": 10}
MEANT = WITHOUT_CHARTS | {"teardown_confirm": "slipway", "workflow_templates_kinds": ["CronWorkflow"]}
HOSTS = {"slip": WITHOUT_CHARTS, "kept": MEANT, "deleted": MEANT | {"teardown_delete_data": True}}


def volume(name, namespace, **labels):
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}


def argo(kind, name, namespace):
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": metadata}


@pytest.fixture(scope="module")
def playbooks(clusters):
    made = clusters(HOSTS)
    for api in made.apis.values():
        namespaces(api, "slipway", "slipway-build", "argocd", "kube-system", "model-app-staging")
        api.add(
            volume("postgresql", "slipway", **{"app.kubernetes.io/part-of": "slipway"}),
            volume("registry", "kube-system", **{"app.kubernetes.io/part-of": "slipway"}),
            volume("somebody-else", "kube-system"),
            argo("CronWorkflow", "cron-train", "slipway"),
            argo("CronWorkflow", "somebody-else", "slipway"),
            argo("Application", "model-app-staging", "argocd"),
            argo("Application", "somebody-else", "argocd"),
            argo("AppProject", "slipway", "argocd"),
        )
    return made


@pytest.fixture(scope="module")
def run(playbooks):
    return playbooks("teardown.yml")


def there(api, kind):
    return {key[3] for key, one in api.objects.items() if one["kind"] == kind}


def test_nothing_goes_by_a_slip(playbooks, run):
    assert run.failed["slip"] == 1
    assert "set teardown_confirm=slipway" in run.said
    assert playbooks.apis["slip"].writes == []


def test_what_is_ours_goes_and_the_data_stays(playbooks, run):
    assert run.failed["kept"] == 0, run.output
    api = playbooks.apis["kept"]
    assert there(api, "CronWorkflow") == {"somebody-else"}
    assert there(api, "Application") == {"somebody-else"}
    assert there(api, "AppProject") == set()
    assert there(api, "PersistentVolumeClaim") == {"postgresql", "registry", "somebody-else"}
    assert there(api, "Namespace") == {"slipway", "argocd", "kube-system"}, "a namespace with a volume stays"


def test_the_project_goes_after_its_applications(playbooks, run):
    """Argo CD deletes what an Application has deployed only while its project is there."""
    assert run.failed["kept"] == 0, run.output
    order = [words.split()[1] for words in playbooks.apis["kept"].writes]
    assert order.index("applications") < order.index("appprojects")


def test_the_data_goes_where_that_is_asked_for(playbooks, run):
    assert run.failed["deleted"] == 0, run.output
    api = playbooks.apis["deleted"]
    assert there(api, "PersistentVolumeClaim") == {"somebody-else"}
    assert there(api, "Namespace") == {"argocd", "kube-system"}
