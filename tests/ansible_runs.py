"""Playbooks run as people run them: `ansible-playbook` of the same Python, against servers of the test.

A run takes seconds of CPU time, and each task that asks a cluster about another second and a half. Therefore one run
can play for several clusters, which are hosts of its inventory with variables of their own, and the tests of a module
look at what one run has done.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kube_api_server import KubeApi

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


def namespaces(api: KubeApi, *names: str) -> None:
    """Namespaces that are there already."""
    api.add(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names))


@dataclass
class Run:
    """What a playbook printed, and of each host `changed` and `failed` as in the recap."""

    output: str
    changed: dict[str, int]
    failed: dict[str, int]

    @property
    def said(self) -> str:
        """The output, with any white space as one space."""
        return " ".join(self.output.split())

    def of(self, host: str) -> tuple[int, int]:
        """How many tasks of the host have changed something, and how many have failed."""
        return self.changed[host], self.failed[host]


class Playbooks:
    """Plays on the inventory that is shipped as a sample, with a server of the test for each host.

    `hosts`: the variables of each; `apis`: their servers.
    """

    def __init__(self, directory: Path, hosts: dict[str, dict[str, Any]]) -> None:
        self.directory = directory
        self.apis = {name: KubeApi() for name in hosts}
        inventory = yaml.safe_load((ROOT / "ansible" / "inventory-sample.yml").read_text())
        cluster = inventory["all"]["children"]["cluster"]
        local = cluster["hosts"]["localhost"]
        # one environment is as good as three, in less time
        local |= {"slipway_environments": ["staging"]}
        cluster["hosts"] = {
            name: local | {"slipway_kubeconfig": str(api.kubeconfig(directory / f"kube-{name}"))} | hosts[name]
            for name, api in self.apis.items()
        }
        self.inventory = directory / "inventory.yml"
        self.inventory.write_text(yaml.safe_dump(inventory))

    def close(self) -> None:
        """Stop the servers."""
        for api in self.apis.values():
            api.close()

    def start(self, name: str | Path, *arguments: str, callback: str = "", **variables: Any) -> str:
        """Run a playbook, with `variables` for all hosts. Returns its output, errors last."""
        extra = self.directory / "extra.yml"
        extra.write_text(yaml.safe_dump(variables))
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "K8S_AUTH_"))}
        environment |= {
            "TMPDIR": str(self.directory),
            "HOME": str(self.directory),
            "ANSIBLE_NOCOLOR": "1",
            "LC_ALL": "C.UTF-8",
            **({"ANSIBLE_STDOUT_CALLBACK": callback} if callback else {}),
        }
        done = subprocess.run(
            [BIN / "ansible-playbook", "-i", self.inventory, name, "-e", f"@{extra}", *arguments],
            cwd=ROOT / "ansible",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def __call__(self, name: str, *arguments: str, **variables: Any) -> Run:
        output = self.start(name, *arguments, **variables)
        recap = re.findall(r"^(\S+) +: ok=.*changed=(\d+) .*failed=(\d+)", output, re.MULTILINE)
        assert recap, output
        return Run(output, {one[0]: int(one[1]) for one in recap}, {one[0]: int(one[2]) for one in recap})

    def rendered(self) -> dict[str, dict[str, Any]]:
        """What the roles make of the variables of each host, without a cluster: see rendered.yml, also for the keys."""
        said = self.start(ROOT / "tests" / "ansible" / "rendered.yml", callback="ansible.posix.json")
        try:
            plays = json.loads(said[said.index("{") : said.rindex("}") + 1])["plays"]
        except ValueError as error:
            raise AssertionError(said) from error
        found: dict[str, dict[str, Any]] = {name: {} for name in self.apis}
        for task in (task for play in plays for task in play["tasks"]):
            for name, result in task["hosts"].items():
                assert not result.get("failed"), (task["task"]["name"], name, result)
                found[name] |= result.get("ansible_facts") or {}
        return found
