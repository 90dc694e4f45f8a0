"""Writes the report of a performance test from a file: `python -m slipway_workflows.report.perf_program SESSION.json
REPORT.html`. The step `perf` runs it.
"""

import sys
from pathlib import Path

from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.perf_session import PerfSession
from slipway_workflows.report.perf_page import write_perf_report


def main() -> int:
    """Returns the exit code: 0 if the report is written, 1 if not."""
    source, target = map(Path, sys.argv[1:])
    try:
        write_perf_report(PerfSession.model_validate_json(source.read_text(encoding="utf-8")), target)
    except SlipwayError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
