"""A stored Workflow and its nodes, read once; whatever is missing has a value that says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from slipway_steps.domain.errors import BadInput
from slipway_workflows.argo.compression import unpacked_nodes
from slipway_workflows.argo.phases import NodeType, Phase
from slipway_workflows.argo.times import parse_time

Manifest = Mapping[str, Any]


def parameter_values(holder: Manifest | None) -> dict[str, str]:
    """The parameters of `inputs`, `outputs` or `arguments` by name; one that has no value yet is left out."""
    items = (holder or {}).get("parameters") or []
    return {str(item["name"]): str(item["value"]) for item in items if item.get("value") is not None}


@dataclass(frozen=True, slots=True)
class StoredNode:
    """One entry of `status.nodes`. `boundary`: id of the node whose template holds this one, "" at the top."""

    id: str
    name: str
    display_name: str
    type: NodeType
    phase: Phase
    message: str = ""
    template_name: str = ""
    template_ref: Manifest | None = None
    template_scope: str = ""
    boundary: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    children: tuple[str, ...] = ()
    outbound: tuple[str, ...] = ()
    inputs: Manifest = field(default_factory=dict)
    outputs: Manifest = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)

    @property
    def waits_for_answer(self) -> bool:
        """A suspend node that goes on when somebody resumes it."""
        return self.type is NodeType.SUSPEND and self.phase is Phase.RUNNING

    @property
    def asks_for(self) -> list[str]:
        """Names of the output parameters that a person supplies."""
        items = self.outputs.get("parameters") or []
        return [item["name"] for item in items if (item.get("valueFrom") or {}).get("supplied") is not None]

    def is_called(self, name: str, *others: str) -> bool:
        """Whether a person means this node by `name`: its id, its name, its display name or one of `others`."""
        return name in (self.id, self.name, self.display_name, *others)


def read_node(key: str, entry: Manifest) -> StoredNode:
    """A node from its entry in `status.nodes`, where `key` is its id; whatever is absent is empty or None."""
    get = entry.get
    name = str(get("name") or key)
    reference = get("templateRef")
    return StoredNode(
        id=key,
        name=name,
        display_name=str(get("displayName") or name),
        type=NodeType(get("type", "")),
        phase=Phase(get("phase", "")),
        message=get("message") or "",
        template_name=str(get("templateName") or ""),
        template_ref=reference,
        template_scope=get("templateScope") or "",
        boundary=get("boundaryID") or "",
        started=parse_time(get("startedAt")),
        finished=parse_time(get("finishedAt")),
        children=tuple(get("children") or ()),
        outbound=tuple(get("outboundNodes") or ()),
        inputs=get("inputs") or {},
        outputs=get("outputs") or {},
        flags=get("nodeFlag") or {},
    )


@dataclass(frozen=True)
class StoredWorkflow:
    """A Workflow as Argo stores it. `manifest` is the object itself, to be printed or written back.

    Its nodes are unpacked and read at their first use: a list of workflows needs none.
    """

    manifest: Manifest

    @property
    def metadata(self) -> Manifest:
        """`metadata`."""
        return self.manifest.get("metadata") or {}

    @property
    def spec(self) -> Manifest:
        """`spec`."""
        return self.manifest.get("spec") or {}

    @property
    def status(self) -> Manifest:
        """`status`; empty as long as the controller has not looked at the workflow."""
        return self.manifest.get("status") or {}

    @property
    def name(self) -> str:
        """`metadata.name`."""
        return str(self.metadata.get("name") or "")

    @property
    def phase(self) -> Phase:
        """Its phase; Pending as long as the controller has not looked at it."""
        return Phase(self.status.get("phase", ""))

    @property
    def message(self) -> str:
        """What Argo says of its end, or of what it waits for."""
        return str(self.status.get("message") or "")

    @property
    def started(self) -> datetime | None:
        """When its first node could have run."""
        return parse_time(self.status.get("startedAt"))

    @property
    def finished(self) -> datetime | None:
        """When it ended; None for one that has not."""
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
        """The WorkflowTemplate that it runs; "" where it has templates of its own."""
        return str((self.spec.get("workflowTemplateRef") or {}).get("name") or "")

    @cached_property
    def stored_nodes(self) -> Mapping[str, dict[str, Any]]:
        """`status.nodes` as stored, unpacked. Raises PlatformError where they cannot be read."""
        return unpacked_nodes(self.name, self.status)

    def with_nodes_unpacked(self) -> dict[str, Any]:
        """The object with its nodes readable, as the API server would have it if they were few.

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
    def drawn_under(self) -> Mapping[str, str | None]:
        """Id of each node -> id of the node below which a person looks for it; None for those at the top.

        That is the loop or the Retry node that it is an item or a try of, else the template that holds it. `children`
        alone would not do: what follows a node is its child too.
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
    def drawn_below(self) -> Mapping[str | None, list[StoredNode]]:
        """Id of a node -> the nodes that are drawn under it; None -> those at the top."""
        found: dict[str | None, list[StoredNode]] = {}
        for node in self.nodes.values():
            found.setdefault(self.drawn_under[node.id], []).append(node)
        return found

    def parts(self, node: StoredNode) -> list[StoredNode]:
        """The tries of a Retry node or the items of a loop, in order; nothing for another node."""
        return [one for one in self.drawn_below.get(node.id, ()) if one.name.startswith(f"{node.name}(")]

    def around(self, node: StoredNode) -> list[StoredNode]:
        """The nodes that a node is drawn under, the nearest first."""
        found: dict[str, StoredNode] = {}
        above = self.drawn_under[node.id]
        while above is not None and above not in found:  # a damaged file may hold a circle
            found[above] = self.nodes[above]
            above = self.drawn_under[above]
        return list(found.values())

    def path(self, node: StoredNode) -> str:
        """Where a node is, for a person: `test/gates/load`. The workflow's own name would stand before every path."""
        line = [node, *(one for one in self.around(node) if one is not self.root)]
        return "/".join(one.display_name for one in reversed(line) if one.type not in _NAMELESS)

    @property
    def waiting(self) -> list[StoredNode]:
        """The nodes that wait for an answer; none in a workflow that has ended."""
        if self.phase.completed:
            return []
        return [node for node in self.nodes.values() if node.waits_for_answer]

    @property
    def pods(self) -> list[StoredNode]:
        """The nodes that run a program, or ran one."""
        return [node for node in self.nodes.values() if node.type is NodeType.POD]


_NAMELESS = frozenset({NodeType.STEP_GROUP, NodeType.TASK_GROUP})
"""Types whose display name says nothing that their members' do not say."""


def read_workflow(manifest: Any) -> StoredWorkflow:
    """A Workflow from its object. Raises BadInput for what is no Workflow."""
    parts = ("metadata", "spec", "status")
    if not isinstance(manifest, dict) or manifest.get("kind", "Workflow") != "Workflow":
        raise BadInput("this is no Workflow")
    for part in parts:
        if not isinstance(manifest.get(part) or {}, dict):
            raise BadInput(f"this is no Workflow: its {part} is no map")
    return StoredWorkflow(manifest)
