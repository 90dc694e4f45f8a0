"""A Workflow as Argo stores it, read once into frozen values; what a workflow means, wherever it runs."""

from slipway_workflows.argo.events import Event, Listener, events, watch
from slipway_workflows.argo.phases import NodeType, Phase
from slipway_workflows.argo.stored import StoredNode, StoredWorkflow

__all__ = ["Event", "Listener", "NodeType", "Phase", "StoredNode", "StoredWorkflow", "events", "watch"]
