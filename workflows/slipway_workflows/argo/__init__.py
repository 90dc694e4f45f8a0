"""A Workflow as Argo stores it, read once into frozen values, and the rules on it that hold on every machine.

The local engine and the access to a cluster both build on this package.
"""

from slipway_workflows.argo.events import Event, Listener, events, watch
from slipway_workflows.argo.phases import NodeType, Phase
from slipway_workflows.argo.stored import StoredWorkflow
from slipway_workflows.argo.stored_node import StoredNode

__all__ = ["Event", "Listener", "NodeType", "Phase", "StoredNode", "StoredWorkflow", "events", "watch"]
