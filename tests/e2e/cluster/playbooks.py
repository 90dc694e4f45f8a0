"""The playbooks of ansible/, run for the suite's own installation: own namespaces, own app, own project in Argo CD."""

import os
import re
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from e2e.cluster.git_pod import URL
from e2e.cluster.installation import APP, ENVIRONMENTS, NAMESPACE

from slipway_steps.settings import PROJECT_ROOT

SHARED_PARTS = "argo_workflows,argo_cd,argo_events,metrics_server"
"""Tags of the parts that the cluster has to have already. The suite uses them and changes none."""
NAMESPACES = (NAMESPACE, *(f"{APP}-{environment}" for environment in ENVIRONMENTS))
PLATFORM = "e2e-platform"


@dataclass(frozen=True)
class Played:
    """What a playbook printed, and the numbers of its recap."""

    output: str
    changed: int
    failed: int


class Playbooks:
    """`registry`: host[:port][/prefix] that has our images and takes those of releases; http:// in front: without TLS.

    `events`: whether Argo Events is there. `webhook_secret`: signs the pushes of the cases.
    """

    def __init__(self, kubeconfig: Path, directory: Path, registry: str, events: bool = True) -> None:
        self.directory = directory
        self.events = events
        self.webhook_secret = secrets.token_hex(16)
        self.insecure = registry.startswith("http://")
        self.registry = registry.removeprefix("http://").removeprefix("https://")
        cluster = {
            "hosts": {"localhost": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
        }
        inventory = {"all": {"children": {"cluster": cluster, "nodes": {"hosts": {}}}}}
        self.inventory = directory / "inventory.yml"
        self.inventory.write_text(yaml.safe_dump(inventory))
        self.variables = self._variables(kubeconfig)

    def _variables(self, kubeconfig: Path) -> dict[str, Any]:
        passwords = {
            "slipway-postgresql": {"username": "mlflow", "password": secrets.token_hex(16)},
            "slipway-s3": {"access-key-id": secrets.token_hex(8), "secret-access-key": secrets.token_hex(16)},
            "slipway-logs": {"access-key-id": "logs", "secret-access-key": secrets.token_hex(16)},
            "slipway-github": {"secret": self.webhook_secret},
        }
        kinds = ["ServiceAccount", "Role", "RoleBinding", "ConfigMap", "WorkflowTemplate", "CronWorkflow"]
        return {
            "slipway_kubeconfig": str(kubeconfig),
            "slipway_namespace": NAMESPACE,
            "slipway_app": APP,
            "slipway_images": {"registry": self.registry, "insecure": self.insecure},
            "namespaces_build": "",
            "namespaces_perf": "",
            "secrets_entries": [
                {"namespace": NAMESPACE, "name": name, "data": data} for name, data in passwords.items()
            ],
            "platform_services_release": PLATFORM,
            "platform_services_values": {
                "registry": {"enabled": False},
                "postgresql": {"storage": "1Gi"},
                "s3": {"storage": "2Gi"},
            },
            "argocd_applications_repo_url": URL,
            "argocd_applications_project": NAMESPACE,
            "workflow_templates_build": False,
            "workflow_templates_perf": False,
            "workflow_templates_kinds": [*kinds, *(["EventBus", "EventSource", "Sensor"] if self.events else [])],
            "teardown_confirm": NAMESPACE,
            "teardown_namespaces": list(NAMESPACES),
            "teardown_data_selector": f"app.kubernetes.io/instance={PLATFORM}",
        }

    def play(self, name: str, *arguments: str, **variables: Any) -> Played:
        """Run a playbook; whether it failed is for the caller to judge."""
        extra = self.directory / "variables.yml"
        with os.fdopen(os.open(extra, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            yaml.safe_dump(self.variables | variables, file)
        program = Path(sys.executable).parent / "ansible-playbook"
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "K8S_AUTH_"))}
        done = subprocess.run(
            [program, "-i", self.inventory, name, "-e", f"@{extra}", "--skip-tags", SHARED_PARTS, *arguments],
            cwd=PROJECT_ROOT / "ansible",
            env=environment | {"ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        recap = re.search(r"changed=(\d+) .*failed=(\d+)", output)
        assert recap, output
        return Played(output, int(recap[1]), int(recap[2]))

    def succeed(self, name: str, *arguments: str, **variables: Any) -> Played:
        """Run a playbook that has to succeed."""
        played = self.play(name, *arguments, **variables)
        assert played.failed == 0, played.output
        return played
