"""Made-up releases as Argo stores them: workflows of the shape that the engine writes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

NAME = "release-model-x7k2p"
START = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
DIGEST = "sha256:" + "7f3a9c51e2d84b06" * 4


@dataclass
class Tree:
    """Builds `status.nodes` the way Argo nests them: a Steps node, its StepGroups, their steps, and so on."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    now: datetime = START
    count: int = 0

    def node(self, name: str, display: str, kind: str, boundary: str | None, **more: Any) -> dict[str, Any]:
        self.count += 1
        node_id = name if boundary is None and "." not in name else f"{NAME}-{1000 + self.count}"
        node = {"id": node_id, "name": name, "displayName": display, "type": kind, "phase": "Succeeded", "children": []}
        if boundary:
            node["boundaryID"] = boundary
        node.update(startedAt=self.stamp(), finishedAt=self.stamp(), **more)
        self.nodes[node_id] = node
        return node

    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def run(self, plan: tuple[Any, ...], name: str, boundary: str | None) -> dict[str, Any]:
        """plan: (name, [[plans of a group], ...], {node fields}) or (name, seconds, {node fields})."""
        display, what, fields = plan
        if not isinstance(what, list):
            kind = "Skipped" if fields.get("phase") in ("Skipped", "Omitted") else "Pod"
            node = self.node(name, display, kind, boundary, templateName=display)
            self.now += timedelta(seconds=what)
            node.update(finishedAt=self.stamp(), **fields)
            return node
        node = self.node(name, display, "Steps", boundary, templateName="main")
        before = node
        for index, group in enumerate(what):
            step_group = self.node(f"{name}[{index}]", f"[{index}]", "StepGroup", node["id"])
            before["children"].append(step_group["id"])
            began = self.now
            ended = began
            for one in group:
                self.now = began
                child = self.run(one, f"{name}[{index}].{one[0]}", node["id"])
                step_group["children"].append(child["id"])
                ended = max(ended, self.now)
                if child["phase"] != "Skipped":
                    before = child
            self.now = ended
            step_group["finishedAt"] = self.stamp()
        node.update(finishedAt=self.stamp(), **fields)
        return node


def out(**parameters: str) -> dict[str, Any]:
    return {"outputs": {"parameters": [{"name": k.replace("_", "-"), "value": v} for k, v in parameters.items()]}}


def into(**parameters: str) -> dict[str, Any]:
    return {"inputs": {"parameters": [{"name": k.replace("_", "-"), "value": v} for k, v in parameters.items()]}}


SKIPPED = {"phase": "Skipped", "message": "when 'false' evaluated false"}
FAILED = {"phase": "Failed", "message": "Error (exit code 2)"}


def workflow(scenario: str) -> dict[str, Any]:
    good = scenario in ("normal", "held")
    judged = "reject" if scenario == "flaky-metrics" else "pass"
    handler = ("handler", 0, SKIPPED) if judged != "pass" else ("handler", 4, out(verdict="pass"))
    if scenario == "bad-handler":
        handler = ("handler", 4, out(verdict="reject"))
    evaluated = "reject" if scenario == "bad-handler" else judged  # the verdict of both gates on the package
    broken = scenario == "deploy-broke"
    verdicts = {
        "integration": "reject" if scenario == "bad-architecture" else "pass",
        "resources": "reject" if scenario == "oversized" else "pass",
        "load": "reject" if scenario == "slow" else "pass",
    }
    both = verdicts["integration"] == verdicts["resources"] == "pass"
    verdict = "error" if broken else next((v for v in verdicts.values() if v != "pass"), "pass")
    train = (
        "train",
        [
            [("train", 38, out(run_id="0f3c"))],
            [("evaluate", 6, out(verdict=judged))],
            [handler],
            [("register", 2, out(model_version="7")) if evaluated == "pass" else ("register", 0, SKIPPED)],
        ],
        out(verdict=evaluated, model_version="7" if evaluated == "pass" else "none"),
    )
    groups: list[Any] = [
        [train],
        [("rejected", 0 if evaluated == "pass" else 1, SKIPPED if evaluated == "pass" else FAILED)],
    ]
    if evaluated == "pass":
        gate = {
            n: (n, 0, SKIPPED) if broken else (n, s, out(verdict=verdicts[n]))
            for n, s in (("integration", 3), ("resources", 4))
        }
        load = ("load", 6, out(verdict=verdicts["load"])) if both and not broken else ("load", 0, SKIPPED)
        deployed = {"phase": "Error", "message": "no space left on device"} if broken else out(state="healthy")
        done = [[("promote", 5, into(model_version="7", target_environment="canary"))]]
        back = [[("revert", 4, into(target_environment="staging", reason=verdict))]]
        groups += [
            [("build", [[("build", 1, out(digest=DIGEST))]], {})],
            [("deploy", [[("deploy", 3, deployed)]], {"phase": "Error"} if broken else {})],
            [
                (
                    "test",
                    [
                        [("gates", [[gate["integration"]], [gate["resources"]], [load]], out(verdict=verdict))],
                        [
                            ("promote", done, into(target_environment="canary"))
                            if scenario == "normal"
                            else ("promote", 0, SKIPPED),
                            ("hold", 1, {}) if scenario == "held" else ("hold", 0, SKIPPED),
                            ("revert", 0, SKIPPED) if good else ("revert", back, into(target_environment="staging")),
                        ],
                        [("rejected", 0, SKIPPED) if good else ("rejected", 1, FAILED)],
                    ],
                    {} if good else {"phase": "Failed", "message": "child 'rejected' failed"},
                )
            ],
        ]
    tree = Tree()
    ended = "Succeeded" if good else "Failed"
    given = into(
        scenario=scenario if scenario != "held" else "normal",
        seed="0",
        p95_max_ms="2000",
        accuracy_min="0.80",
        auto_promote=str(scenario != "held").lower(),
    )
    tree.run(("release-model-x7k2p", groups, {"phase": ended, **given}), NAME, None)
    tree.run(("finish", 2, {}), f"{NAME}.onExit", None)
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": NAME, "uid": "b2c3"},
        "spec": {
            "workflowTemplateRef": {"name": "release-model"},
            "arguments": {"parameters": [{"name": "scenario", "value": scenario}]},
        },
        "status": {
            "phase": ended,
            "startedAt": "2026-11-20T12:00:00Z",
            "finishedAt": tree.stamp(),
            "message": "" if good else "child 'release-model-x7k2p-1009' failed",
            "nodes": tree.nodes,
            **out(verdict=verdict if evaluated == "pass" else evaluated),
        },
    }
