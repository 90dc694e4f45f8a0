"""Playbooks run as people run them: `ansible-playbook` of the same Python, against a server of the test."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_api_server import KubeApi

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = ""
    if not (BIN / "ansible-playbook").exists():
        missing = "ansible is not installed (extra `platform`)"
    elif importlib.util.find_spec("ansible_collections.kubernetes") is None:
        missing = "the collection kubernetes.core is not installed (extra `platform`)"
    elif importlib.util.find_spec("kubernetes") is None:
        missing = "the Kubernetes client is not installed"
    for item in items:
        if (
            missing
            and item.path.is_relative_to(Path(__file__).parent)
            and "playbook" in getattr(item, "fixturenames", ())
        ):
            item.add_marker(pytest.mark.skip(reason=missing))


@dataclass
class Run:
    """What a playbook said: `changed` and `failed` as in its recap."""

    output: str
    changed: int
    failed: int


class Playbooks:
    def __init__(self, api: KubeApi, directory: Path) -> None:
        self.directory = directory
        inventory = yaml.safe_load((ROOT / "ansible" / "inventory-sample.yml").read_text())
        inventory["all"]["children"]["cluster"]["vars"]["slipway_kubeconfig"] = str(api.kubeconfig(directory / "kube"))
        self.inventory = directory / "inventory.yml"
        self.inventory.write_text(yaml.safe_dump(inventory))

    def __call__(self, name: str, *arguments: str, **variables: Any) -> Run:
        extra = self.directory / "extra.yml"
        # one environment is as good as three, in a third of the time
        extra.write_text(yaml.safe_dump({"slipway_environments": ["staging"], **variables}))
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "K8S_AUTH_"))}
        environment |= {
            "TMPDIR": str(self.directory),
            "HOME": str(self.directory),
            "ANSIBLE_NOCOLOR": "1",
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            [BIN / "ansible-playbook", "-i", self.inventory, name, "-e", f"@{extra}", *arguments],
            cwd=ROOT / "ansible",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        recap = re.search(r"changed=(\d+) .*failed=(\d+)", output)
        assert recap, output
        return Run(output, int(recap[1]), int(recap[2]))


@pytest.fixture
def api() -> Iterator[KubeApi]:
    server = KubeApi()
    yield server
    server.close()


@pytest.fixture
def playbook(api: KubeApi, tmp_path: Path) -> Playbooks:
    return Playbooks(api, tmp_path)
