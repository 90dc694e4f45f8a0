"""The HTML report of a session that a step has run. Steps import nothing of the package that writes pages, so a program
of its own does it.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway_steps.domain.errors import SlipwayError
from slipway_steps.domain.perf_session import PerfSession
from slipway_steps.perf_ports import Measurements

PROGRAM = "slipway_workflows.report.perf_program"
SECONDS = 120
"""Seconds that the program may take; it takes about two, most of them to import matplotlib."""


def keep_page(session: PerfSession, measurements: Measurements) -> str:
    """Store the page of a session beside its samples. Returns why that could not be done; "" where it was. It costs no
    verdict.
    """
    with TemporaryDirectory() as directory:
        source, page = Path(directory) / "session.json", Path(directory) / "report.html"
        source.write_text(session.model_dump_json(), encoding="utf-8")
        command = [sys.executable, "-m", PROGRAM, str(source), str(page)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
            if done.returncode:
                said = done.stderr.strip().rpartition("\n")[2]
                return f"the report could not be written: {said or f'exit code {done.returncode}'}"
            measurements.save(session, [page])
        except (SlipwayError, OSError, subprocess.TimeoutExpired) as error:
            return f"the report could not be stored: {error}"
    return ""
