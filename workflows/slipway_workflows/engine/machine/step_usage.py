"""What the program of each step had used when it ended, for a program that looks at the run from outside.

`usage.jsonl` of the run's directory has a line for each step: `node` (its id), `at` (its end in Unix seconds), `cpu`
(seconds), `read` and `written` (bytes, from disks and to them). They are of its first process and of all whose end that
has waited for, so that also its last moment counts, of which nobody outside can tell.
"""

import contextlib
import json
import os
import time
from pathlib import Path

USAGE = "usage.jsonl"
TICKS = os.sysconf("SC_CLK_TCK")


def note_usage(directory: Path, node_id: str, pid: int) -> None:
    """Add the line of a step whose first process has ended and is not reaped yet. `directory`: the run's.

    What cannot be read or written is left out, as nothing of a run needs it.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        # the name of the program may have spaces and parentheses
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        counts = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
        line = {
            "node": node_id,
            "at": round(time.time(), 3),
            "cpu": sum(map(int, fields[11:15])) / TICKS,
            "read": int(counts["read_bytes"]),
            "written": int(counts["write_bytes"]),
        }
        with (directory / USAGE).open("a") as file:
            file.write(f"{json.dumps(line)}\n")
