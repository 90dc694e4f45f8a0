"""`python -m slipway_workflows.cli`: the program `slipway` where its console script cannot be found by PATH."""

from slipway_workflows.cli import script

script()
