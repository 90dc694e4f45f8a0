"""Workflows on a cluster, through the Kubernetes API alone: no Argo Server and no argo program are needed."""

from slipway_workflows.cluster.workflows import ClusterExecution, ClusterWorkflows

__all__ = ["ClusterExecution", "ClusterWorkflows"]
