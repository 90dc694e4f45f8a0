"""A stored Workflow as typed values. A field that is missing reads as empty or None."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from slipway_steps.domain.approval import Approval
from slipway_steps.domain.errors import BadInput
from slipway_workflows.argo.compression import unpacked_nodes
from slipway_workflows.argo.phases import NodeType, Phase
from slipway_workflows.argo.stored_node import Manifest, StoredNode, parameter_values, read_node
from slipway_workflows.argo.times import parse_time


@dataclass(frozen=True)
class StoredWorkflow:
    """A Workflow as Argo stores it.

    manifest: the whole object, to be printed or written back. The nodes are unpacked and read when they are first
    used, because a list of workflows does not need them.
    """

    manifest: Manifest

    @property
    def metadata(self) -> Manifest:
        """The section `metadata` of the manifest; {} where it is missing."""
        return self.manifest.get("metadata") or {}

    @property
    def spec(self) -> Manifest:
        """The section `spec` of the manifest; {} where it is missing."""
        return self.manifest.get("spec") or {}

    @property
    def status(self) -> Manifest:
        """The section `status` of the manifest; {} until the controller has seen the workflow."""
        return self.manifest.get("status") or {}

    @property
    def name(self) -> str:
        """The name of the workflow, `metadata.name`; "" where it has none."""
        return str(self.metadata.get("name") or "")

    @property
    def phase(self) -> Phase:
        """The phase of the workflow; Pending until the controller has seen it."""
        return Phase(self.status.get("phase", ""))

    @property
    def message(self) -> str:
        """Argo's message: why the workflow ended as it did, or what it waits for."""
        return str(self.status.get("message") or "")

    @property
    def started(self) -> datetime | None:
        """When the controller started it; None until then. Its first pod may start later."""
        return parse_time(self.status.get("startedAt"))

    @property
    def finished(self) -> datetime | None:
        """When it ended; None for a workflow that has not ended."""
        return parse_time(self.status.get("finishedAt"))

    @property
    def arguments(self) -> dict[str, str]:
        """The parameters that it was submitted with."""
        return parameter_values(self.spec.get("arguments"))

    @property
    def outputs(self) -> dict[str, str]:
        """Its global output parameters."""
        return parameter_values(self.status.get("outputs"))

    @property
    def template(self) -> str:
        """The name of the WorkflowTemplate that it runs; "" where its spec has templates of its own."""
        return str((self.spec.get("workflowTemplateRef") or {}).get("name") or "")

    @cached_property
    def stored_nodes(self) -> Mapping[str, dict[str, Any]]:
        """The entries of `status.nodes` as stored, by node id, unpacked. Raises PlatformError if unreadable."""
        return unpacked_nodes(self.name, self.status)

    def with_nodes_unpacked(self) -> dict[str, Any]:
        """The manifest with its nodes in `status.nodes`, also where they are stored compressed.

        Raises PlatformError where they cannot be read.
        """
        if "compressedNodes" not in self.status:
            return dict(self.manifest)
        rest = {key: value for key, value in self.status.items() if key != "compressedNodes"}
        return {**self.manifest, "status": {**rest, "nodes": self.stored_nodes}}

    @cached_property
    def nodes(self) -> Mapping[str, StoredNode]:
        """Nodes by id, in the order in which they are stored.

        Raises PlatformError where they cannot be read, BadInput where they are not in the form that Argo writes.
        """
        try:
            return {key: read_node(key, entry) for key, entry in self.stored_nodes.items()}
        except (AttributeError, TypeError) as error:
            raise BadInput(f"status.nodes of workflow {self.name} are not in Argo's form: {error}") from error

    @cached_property
    def root(self) -> StoredNode | None:
        """The node of the entry point; None where nothing was started."""
        return next((node for node in self.nodes.values() if node.name == self.name and not node.boundary), None)

    @cached_property
    def display_parents(self) -> Mapping[str, str | None]:
        """Id of each node -> id of the node that it is shown under in a tree; None for the nodes at the top.

        An item of a loop is shown under its TaskGroup node, an attempt under its Retry node, any other node under the
        node of the template that it is a step of. Argo's `children` do not tell this: a node that follows another one
        is a child of it, too.
        """
        nodes, top = self.nodes, self.root.id if self.root else None
        found: dict[str, str | None] = {}
        for node in nodes.values():
            boundary = node.boundary if node.boundary in nodes else top
            found.setdefault(node.id, boundary if boundary != node.id else None)
            if node.type in (NodeType.TASK_GROUP, NodeType.RETRY):
                for child in node.children:
                    if child in nodes and nodes[child].name.startswith(f"{node.name}("):
                        found[child] = node.id
        return found

    @cached_property
    def display_children(self) -> Mapping[str | None, list[StoredNode]]:
        """Id of a node -> the nodes that are shown under it in a tree; None -> the nodes at the top."""
        found: dict[str | None, list[StoredNode]] = {}
        for node in self.nodes.values():
            found.setdefault(self.display_parents[node.id], []).append(node)
        return found

    def attempts_or_items(self, node: StoredNode) -> list[StoredNode]:
        """The attempts of a Retry node or the items of a loop, in order; [] for any other node."""
        return [one for one in self.display_children.get(node.id, ()) if one.name.startswith(f"{node.name}(")]

    def ancestors(self, node: StoredNode) -> list[StoredNode]:
        """The nodes that a node is shown under in a tree, the nearest first."""
        found: dict[str, StoredNode] = {}
        parent = self.display_parents[node.id]
        while parent is not None and parent not in found:  # in a damaged file parents may form a cycle
            found[parent] = self.nodes[parent]
            parent = self.display_parents[parent]
        return list(found.values())

    def path(self, node: StoredNode) -> str:
        """The place of a node in the workflow, for people: `test/gates/load`, without the name of the workflow."""
        line = [node, *(one for one in self.ancestors(node) if one is not self.root)]
        return "/".join(one.display_name for one in reversed(line) if one.type not in _NAMELESS)

    @property
    def waiting(self) -> list[StoredNode]:
        """The nodes that wait for an answer; none in a workflow that has ended."""
        if self.phase.completed:
            return []
        return [node for node in self.nodes.values() if node.waits_for_answer]

    @property
    def approval(self) -> Approval | None:
        """What became of the question that it asked a person; None where it asked none, or it is still open."""
        return next((node.approval for node in self.nodes.values() if node.approval), None)

    @property
    def pods(self) -> list[StoredNode]:
        """The nodes that run a program, or ran one."""
        return [node for node in self.nodes.values() if node.type is NodeType.POD]


_NAMELESS = frozenset({NodeType.STEP_GROUP, NodeType.TASK_GROUP})
"""Types whose display name is left out of a path: the names of their members say the same."""


def read_workflow(manifest: Any) -> StoredWorkflow:
    """Read a Workflow from its manifest. Raises BadInput where `manifest` is no Workflow."""
    parts = ("metadata", "spec", "status")
    if not isinstance(manifest, dict) or manifest.get("kind", "Workflow") != "Workflow":
        raise BadInput("this is not a Workflow")
    for part in parts:
        if not isinstance(manifest.get(part) or {}, dict):
            raise BadInput(f"this is not a Workflow: its {part} is not a map")
    return StoredWorkflow(manifest)
