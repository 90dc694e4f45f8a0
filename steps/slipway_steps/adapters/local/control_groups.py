"""Control groups: where the kernel has them, and how they are removed with all that is left in them."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def remove_group(path: Path) -> bool:
    """End the processes that are left in a control group, and remove it. It can only be removed once the kernel has
    removed the last process.

    Returns whether it is gone.
    """
    for _ in range(100):
        try:
            path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            with suppress(OSError):
                for pid in (path / "cgroup.procs").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.02)
        else:
            return True
    return False


def remove_groups(label: str) -> list[Path]:
    """Remove all control groups whose names begin with `label`. They are searched for everywhere, because a killed
    supervisor may have run in another group than this process. Returns the paths that were found.
    """
    roots = [CGROUPS / part for part in ("memory", "cpu", "cpuacct") if (CGROUPS / part).is_dir()] or [CGROUPS]
    found = [
        Path(at, name)
        for root in dict.fromkeys(root.resolve() for root in roots)
        for at, names, _ in os.walk(root)
        for name in names
        if name.startswith(f"{label}-")
    ]
    for path in found:
        remove_group(path)
    return found
