"""The kubeconfig that leads a client to a server of the tests."""

from pathlib import Path

import yaml
from kube_rbac import token_of


def write_kubeconfig(path: Path, port: int, user: str) -> Path:
    """A kubeconfig for this port of the machine; `user` empty: one who may do everything."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {"token": token_of(user) if user else "secret-token"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(config))
    return path
