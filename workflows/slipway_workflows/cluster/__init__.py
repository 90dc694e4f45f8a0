"""Workflows on a cluster, through the Kubernetes API alone: no Argo Server and no argo program are needed."""

from slipway_workflows.cluster.answer import answered, asked, waiting
from slipway_workflows.cluster.client import Workflows
from slipway_workflows.cluster.retry import retried
from slipway_workflows.cluster.submit import submission

__all__ = ["Workflows", "answered", "asked", "retried", "submission", "waiting"]
