"""Workflows of this machine, run by the local engine."""

from slipway_workflows.local.workflows import LocalExecution, LocalWorkflows, engine_options

__all__ = ["LocalExecution", "LocalWorkflows", "engine_options"]
