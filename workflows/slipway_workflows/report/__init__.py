"""Floor 6: what a release did, for a person to read: one HTML page, and a tree for a terminal."""

from slipway_workflows.report.graph import branch_picture
from slipway_workflows.report.page import write_report
from slipway_workflows.report.picture import picture

__all__ = ["branch_picture", "picture", "write_report"]
