"""The suite itself, without a cluster: what it refuses, what it makes, and the Git server that it brings along."""

import os
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from types import SimpleNamespace

import kubernetes
import pytest
import yaml
from e2e.cluster import case_restarts, git_pod
from e2e.cluster.conftest import ORDER, group_of
from e2e.cluster.context import NotChosen, only_context
from e2e.cluster.own_namespaces import LABEL, NotOurs, create, remove
from git_server import git
from kube_api_server import KubeApi
from pod_security import violations
from sampling import for_acceptance

from slipway_steps.adapters.git.deployment_repository import DeploymentRepository
from slipway_steps.domain.environment import Environment
from slipway_steps.settings import PROJECT_ROOT, Settings

HERE = Path(__file__).parent


def kubeconfig(directory: Path) -> Path:
    """Two contexts; the current one is the one that nobody means to test on."""
    server = {"server": "https://127.0.0.1:1", "certificate-authority": "ca.pem"}
    config = {
        "clusters": [{"name": name, "cluster": dict(server)} for name in ("work", "try")],
        "users": [{"name": name, "user": {"token": f"token-of-{name}"}} for name in ("work", "try")],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in ("work", "try")],
        "current-context": "work",
    }
    path = directory / "config"
    path.write_text(yaml.safe_dump(config))
    return path


def test_only_the_named_context_is_in_reach(tmp_path: Path) -> None:
    chosen = only_context(kubeconfig(tmp_path), "try", tmp_path / "own")
    text = chosen.read_text()
    assert yaml.safe_load(text)["current-context"] == "try"
    assert "token-of-try" in text
    assert "work" not in text
    assert str(tmp_path / "ca.pem") in text, "a path is relative to the file that names it"
    assert stat.S_IMODE(chosen.stat().st_mode) == 0o600


@pytest.mark.parametrize(("context", "said"), [for_acceptance("", "name the context"), ("gone", "has no context gone")])
def test_without_a_named_context_nothing_is_touched(tmp_path: Path, context: str, said: str) -> None:
    command = [sys.executable, "-m", "pytest", str(HERE), "-o", "python_files=case_*.py", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"--kubeconfig={kubeconfig(tmp_path)}", f"--context={context}"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout
    assert said in done.stdout + done.stderr
    assert "work" in done.stdout + done.stderr, "it says which there are"
    with pytest.raises(NotChosen, match=said):
        only_context(kubeconfig(tmp_path), context, tmp_path / "own")


def test_the_environment_of_the_suite_has_no_torch(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).write_bytes((PROJECT_ROOT / name).read_bytes())
    command = ["make", "--dry-run", "e2e", "CONTEXT=try"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    installed, _, tested = done.stdout.partition(".venv/e2e/bin/python -m pytest tests/e2e/cluster")
    assert "--context='try'" in tested
    assert "'.[platform]'" in installed
    assert "torch" not in installed
    assert "-r requirements.lock" not in installed, "it names torch too"


def test_the_cases_need_nothing_of_the_extra_local_but_pytest() -> None:
    extras = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    absent = {re.split("[<>=]", one)[0] for one in extras["local"]} - {"pytest"}
    modules = [module for module, found in packages_distributions().items() if absent & {one.lower() for one in found}]
    assert {"torch", "psutil", "onnx"} <= set(modules)
    # None: as if it were not installed
    hidden = "import sys; sys.modules.update(dict.fromkeys(sys.argv.pop(1).split()))"
    options = [
        str(HERE),
        "-o",
        "python_files=case_*.py",
        "-p",
        "no:cacheprovider",
        "-p",
        "pytest_timeout",
        "--collect-only",
    ]
    program = f"{hidden}; import pytest; sys.exit(pytest.main())"
    command = [sys.executable, "-c", program, " ".join(modules), *options]
    # a hidden package may have a plugin of pytest
    own = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=PROJECT_ROOT, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def api() -> Iterator[KubeApi]:
    server = KubeApi()
    yield server
    server.close()


def core_of(api: KubeApi, directory: Path) -> kubernetes.client.CoreV1Api:
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(api.kubeconfig(directory / "kube")), client_configuration=configuration)
    return kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(configuration))


def namespace(name: str, **labels: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def test_a_namespace_of_somebody_else_is_never_touched(api: KubeApi, tmp_path: Path) -> None:
    api.add(namespace("b"))
    core = core_of(api, tmp_path)
    with pytest.raises(NotOurs, match="the namespace b exists"):
        create(core, ["a", "b"])
    remove(core, ["a", "b"])
    assert api.writes == []


def test_what_a_killed_run_has_left_is_deleted_first(api: KubeApi, tmp_path: Path) -> None:
    api.add(namespace("a", **{LABEL: "true"}))
    core = core_of(api, tmp_path)
    create(core, ["a", "b"])
    assert api.writes == ["DELETE namespaces /a", "POST namespaces /a", "POST namespaces /b"]
    remove(core, ["a", "b"])
    assert [one for one in api.objects.values() if one["kind"] == "Namespace"] == []


def test_every_file_of_cases_has_its_place_in_the_order() -> None:
    assert sorted(ORDER) == sorted(group_of(path) for path in HERE.glob("case_*.py"))


def pod(namespace: str, image: str, **labels: str) -> SimpleNamespace:
    named = {f"app.kubernetes.io/{label.replace('_', '-')}": value for label, value in labels.items()}
    metadata = SimpleNamespace(namespace=namespace, labels=named)
    return SimpleNamespace(metadata=metadata, spec=SimpleNamespace(containers=[SimpleNamespace(image=image)]))


PODS = {
    "quay.io/argoproj/workflow-controller:v4.1.2": pod("argo", "quay.io/argoproj/workflow-controller:v4.1.2"),
    "its MLflow": pod("slipway-e2e", "r/slipway/mlflow:1", name="mlflow", instance="e2e-platform", part_of="slipway"),
    "another's MLflow": pod("slipway", "r/slipway/mlflow:1", name="mlflow", instance="platform", part_of="slipway"),
    "another's registry": pod("shop", "registry:3", name="registry", instance="shop"),
    "the registry": pod("kube-system", "registry:3", name="registry", instance="platform", part_of="slipway"),
    "another's database": pod("slipway-e2e", "postgres:17", name="postgresql", instance="shop"),
}


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("workflow controller", ["quay.io/argoproj/workflow-controller:v4.1.2"]),
        ("MLflow", ["its MLflow"]),
        ("registry", ["the registry"]),
        ("PostgreSQL", []),
    ],
)
def test_only_the_named_part_is_restarted(part: str, found: list[str]) -> None:
    _, belongs = case_restarts.PARTS[part]
    assert [name for name, one in PODS.items() if belongs(one, one.metadata.labels)] == found


def test_the_git_servers_pod_is_admitted_by_the_restricted_standard() -> None:
    assert violations(git_pod.pod_spec("r/slipway/steps:1")) == []


def test_argo_cd_clones_the_chart_and_releases_push_to_it(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for key, text in git_pod.files().items():
        (files / key).write_text(text)
    # as a kubelet lays out a ConfigMap
    (files / "..2026_11_21").mkdir()
    (files / "..2026_11_21" / "charts__old.yaml").write_text("old")
    program = [sys.executable, str(git_pod.PROGRAM), str(files), str(tmp_path / "slipway.git"), "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            port = server.stdout.readline().split()[-1]
            url = f"http://127.0.0.1:{port}/slipway.git"
            settings = Settings(home=tmp_path, deploy_repository=url)
            commit = DeploymentRepository(settings).write(Environment.STAGING, {"modelVersion": "7"}, "version 7\n")
            git("clone", "-q", url, "clone", cwd=tmp_path)
        finally:
            server.terminate()
    assert git("rev-parse", "HEAD", cwd=tmp_path / "clone") == commit
    chart = tmp_path / "clone" / "charts" / "model-app"
    assert (chart / "Chart.yaml").read_text() == (PROJECT_ROOT / "charts" / "model-app" / "Chart.yaml").read_text()
    assert 'modelVersion: "7"' in (chart / "release-staging.yaml").read_text()
    assert (chart / "templates" / "_helpers.tpl").exists()
    assert [path.name for path in chart.parent.iterdir()] == ["model-app"]
