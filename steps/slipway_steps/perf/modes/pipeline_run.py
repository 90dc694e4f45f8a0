"""PIPELINE_RUN: runs of one pipeline."""

from slipway_steps.perf.runner import Runner


class PipelineRun(Runner):
    """Starts runs as the scenario's kind wants; there is nothing else to it."""
