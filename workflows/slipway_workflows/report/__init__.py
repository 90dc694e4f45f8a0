"""What a release did, for people to read: an HTML page, an SVG picture of the graph, and a tree of plain text."""

from slipway_workflows.report.graph import branch_picture
from slipway_workflows.report.page import write_report
from slipway_workflows.report.picture import picture

__all__ = ["branch_picture", "picture", "write_report"]
