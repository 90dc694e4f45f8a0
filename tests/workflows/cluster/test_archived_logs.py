"""`slipway logs --cluster` where the pod is gone: the log that Argo archived, as Argo's own server hands it out."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from kube_api_server import KubeApi

from slipway_workflows.cli import main

TOKEN = "Bearer secret-token"
"""What the kubeconfig of the tests holds."""
LOG = b'epoch 1\ntime=2026-11-21T12:00:00Z level=info msg="sub-process exited" argo=true\n'


class ArgoServer:
    """Argo's server with `--auth-mode client`: it takes tokens of Kubernetes, and hands out artifacts of nodes."""

    def __init__(self) -> None:
        self.tokens = {TOKEN}
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.status = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                known = server.files.get(self.path)
                status = server.status or (200 if known is not None else 500)
                if self.headers.get("Authorization") not in server.tokens:
                    status = 401
                body = known if status == 200 and known is not None else b"Unauthorized"
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def argo(monkeypatch: pytest.MonkeyPatch) -> Iterator[ArgoServer]:
    server = ArgoServer()
    monkeypatch.setenv("SLIPWAY_ARGO_URL", server.url + "/")
    yield server
    server.close()


def pod_node(name: str, archived: bool) -> dict[str, Any]:
    node: dict[str, Any] = {"id": f"wf-{name}", "name": f"wf.{name}", "displayName": name, "type": "Pod"}
    logs = {"name": "main-logs", "s3": {"key": f"wf/wf-{name}/main.log"}}
    return node | {"phase": "Succeeded", "outputs": {"artifacts": [logs]} if archived else {}}


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeApi]:
    """A workflow whose pods are gone, all but the last one."""
    server = KubeApi()
    server.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "slipway"}})
    nodes = {node["id"]: node for node in (pod_node("train", True), pod_node("build", False), pod_node("load", True))}
    metadata = {"name": "wf", "namespace": "slipway"}
    outputs = {"parameters": [{"name": "report-url", "value": "https://mlflow.example/#/experiments/1/runs/a"}]}
    status = {"phase": "Failed", "nodes": nodes, "outputs": outputs}
    server.add(
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": metadata, "spec": {}, "status": status}
    )
    labels = {"workflows.argoproj.io/workflow": "wf"}
    annotations = {"workflows.argoproj.io/node-id": "wf-load"}
    metadata = {"name": "pod-load", "namespace": "slipway", "labels": labels, "annotations": annotations}
    server.add({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"phase": "Failed"}})
    server.logs["pod-load"] = "p95 12 ms\n"
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "kubeconfig")))
    yield server
    server.close()


ADDRESS = "/artifact-files/slipway/workflows/wf/wf-train/outputs/main-logs"


def test_the_archived_log_of_a_pod_that_is_gone(
    api: KubeApi, argo: ArgoServer, capsys: pytest.CaptureFixture[str]
) -> None:
    argo.files[ADDRESS] = LOG
    assert main(["logs", "wf", "--cluster"]) == 0
    written = capsys.readouterr()
    assert written.out == "train: epoch 1\nload: p95 12 ms\n"
    assert written.err == "build: its pod is gone, and so is its log\n"
    assert argo.asked == [ADDRESS], "a log that the pod still has is not asked for"


def test_without_the_address_of_argos_server_it_says_what_to_do(
    api: KubeApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SLIPWAY_ARGO_URL", raising=False)
    assert main(["logs", "wf", "--cluster"]) == 1
    written = capsys.readouterr()
    assert written.out == "load: p95 12 ms\n", "what can be read is printed all the same"
    assert "train" in written.err
    assert "wf/wf-train/main.log" in written.err
    assert "SLIPWAY_ARGO_URL" in written.err
    assert "kubectl -n argo port-forward service/argo-server 2746" in written.err


def test_a_token_of_your_own(
    api: KubeApi, argo: ArgoServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    argo.tokens, argo.files[ADDRESS] = {"Bearer by-sso"}, LOG
    assert main(["logs", "wf", "train", "--cluster"]) == 1
    refused = capsys.readouterr().err
    assert "does not accept the token" in refused
    assert "ARGO_TOKEN" in refused
    assert TOKEN not in refused
    for token in ("by-sso", "Bearer by-sso"):
        monkeypatch.setenv("ARGO_TOKEN", token)
        assert main(["logs", "wf", "train", "--cluster"]) == 0
        assert capsys.readouterr().out == "epoch 1\n"


def test_a_store_that_the_server_cannot_read(
    api: KubeApi, argo: ArgoServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", "wf", "train", "--cluster"]) == 1
    said = capsys.readouterr().err
    assert "status 500" in said
    assert "slipway-logs" in said


def test_a_server_that_is_away(api: KubeApi, argo: ArgoServer, capsys: pytest.CaptureFixture[str]) -> None:
    argo.close()
    assert main(["logs", "wf", "train", "--cluster"]) == 1
    said = capsys.readouterr().err
    assert argo.url in said
    assert "Traceback" not in said


def test_get_names_the_report(api: KubeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "wf", "--cluster"]) == 0
    assert "Report:     https://mlflow.example/#/experiments/1/runs/a\n" in capsys.readouterr().out
    outputs = api.objects["argoproj.io/v1alpha1", "workflows", "slipway", "wf"]["status"]["outputs"]
    outputs["parameters"][0]["value"] = "none"
    assert main(["get", "wf", "--cluster"]) == 0
    assert "Report:" not in capsys.readouterr().out
