"""Workflows on a cluster, as the controller stores them, and how the tests of `--cluster` read them."""

import copy
import json
from pathlib import Path
from typing import Any

from kube_api_server import KubeApi

from slipway_steps.settings import Settings
from slipway_workflows.cli import main
from slipway_workflows.cluster import ClusterWorkflows
from slipway_workflows.cluster.client import Client


def cluster_workflows(
    warnings: list[str] | None = None, compress_above: int = 10**6, pause: Any = lambda: None
) -> ClusterWorkflows:
    """The workflows of the cluster, without waiting between two reads."""
    said = [] if warnings is None else warnings
    return ClusterWorkflows(Settings(), Client(Settings(), compress_above), said.append, pause)


def on_cluster(api: KubeApi, name: str) -> dict[str, Any]:
    return api.get("Workflow", name, "slipway")


FAILING = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: main
  onExit: bye
  arguments: {parameters: [{name: word, value: a}]}
  templates:
    - name: main
      dag:
        tasks:
          - {name: first, template: step, arguments: {parameters: [{name: code, value: "0"}]}}
          - {name: second, template: step, depends: first, arguments: {parameters: [{name: code, value: "1"}]}}
          - {name: mended, template: step, depends: second.Failed, arguments: {parameters: [{name: code, value: "0"}]}}
          - {name: last, template: step, depends: second, arguments: {parameters: [{name: code, value: "0"}]}}
          - {name: other, template: inner}
    - name: inner
      steps:
        - - name: soft
            template: step
            arguments: {parameters: [{name: code, value: "1"}]}
            continueOn: {failed: true}
    - name: step
      inputs: {parameters: [{name: code}]}
      container:
        image: busybox
        command: [sh, -c, 'exit "$CODE"']
        env: [{name: CODE, value: "{{inputs.parameters.code}}"}]
    - name: bye
      container: {image: busybox, command: ["true"]}
"""
WAITING = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf, namespace: slipway}
spec: {suspend: true}
status:
  phase: Running
  nodes:
    wf: {id: wf, name: wf, displayName: wf, type: Steps, phase: Running, children: [wf-1]}
    wf-1:
      id: wf-1
      name: wf[0].ask
      displayName: ask
      type: Suspend
      phase: Running
      boundaryID: wf
      outputs: {parameters: [{name: decision, valueFrom: {supplied: {}, default: reject}}]}
"""


def failed(tmp_path: Path) -> dict[str, Any]:
    """What the local engine stores of a workflow that failed."""
    path = tmp_path / "failing.yaml"
    path.write_text(FAILING)
    assert main(["--home", str(tmp_path / "home"), "run", str(path)]) == 1
    workflow = json.loads((tmp_path / "home" / "runs" / "wf" / "workflow.json").read_text())
    workflow["metadata"]["namespace"] = "slipway"
    return workflow


def by_name(workflow: dict[str, Any]) -> dict[str, str]:
    return {node["name"]: node["phase"] for node in workflow["status"]["nodes"].values()}


def ends(workflow: dict[str, Any], phase: str) -> dict[str, Any]:
    done = copy.deepcopy(workflow)
    done["status"]["phase"] = phase
    return done
