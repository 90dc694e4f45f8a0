"""An API server that has the templates of the catalog in its namespace `slipway`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kube_api_server import KubeApi

from slipway_steps.settings import PROJECT_ROOT

MANIFESTS = PROJECT_ROOT / "workflows" / "manifests"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeApi]:
    server = KubeApi()
    server.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "slipway"}})
    for name in ("promote-model", "promote-to-production", "revert-model", "cron-train", "release-model"):
        manifest = yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())
        server.add({**manifest, "metadata": {**manifest["metadata"], "namespace": "slipway"}})
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "kubeconfig")))
    yield server
    server.close()
