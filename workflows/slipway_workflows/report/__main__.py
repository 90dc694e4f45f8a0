"""Writes the report of a release from a file: `python -m slipway_workflows.report RELEASE.json REPORT.html`.

The step `report` runs it, inside of the exit handler. RELEASE.json has the fields `workflow` (as Argo stores it while
its exit handler runs), `phase` (how it ended), `reports` (of its gates) and `environments` (as `slipway status` prints
them).
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.verdict import GateReport
from slipway_workflows.argo import StoredWorkflow
from slipway_workflows.argo.stored import read_workflow
from slipway_workflows.report.page import write_report


def as_ended(stored: StoredWorkflow, phase: str) -> StoredWorkflow:
    """The workflow as if it had ended now, in this phase, without its exit handler, which writes the report."""
    own = f"{stored.name}.onExit"
    nodes = {key: node for key, node in stored.stored_nodes.items() if not str(node.get("name")).startswith(own)}
    root = stored.root
    rest = {key: value for key, value in stored.status.items() if key != "compressedNodes"}
    status = rest | {
        "nodes": nodes,
        "phase": phase,
        "message": stored.message or (root.message if root else ""),
        "finishedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return StoredWorkflow({**stored.manifest, "status": status})


def main() -> int:
    """Returns the exit code: 0 if the report is written, 1 if not."""
    source, target = map(Path, sys.argv[1:])
    given: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    try:
        workflow = as_ended(read_workflow(given["workflow"]), given["phase"])
        write_report(
            workflow, [GateReport.model_validate(one) for one in given["reports"]], given["environments"], target
        )
    except SlipwayError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
