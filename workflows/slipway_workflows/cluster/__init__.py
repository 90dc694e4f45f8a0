"""Workflows on a cluster. Only the Kubernetes API is used; neither Argo Server nor the program `argo` is needed."""

from slipway_workflows.cluster.workflows import ClusterExecution, ClusterWorkflows

__all__ = ["ClusterExecution", "ClusterWorkflows"]
