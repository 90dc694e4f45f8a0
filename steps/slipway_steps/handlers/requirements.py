"""What a handler imports, against what its Python has and what code/requirements.txt names."""

import contextlib
import subprocess
import sys
from pathlib import Path

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import Fault
from slipway_steps.handlers.inspection import Inspection
from slipway_steps.handlers.requirement_lines import brings

INSTALL_TIMEOUT = 1800
"""Seconds that pip may take; torch is downloaded in some minutes."""


def missing_faults(inspection: Inspection, missing: list[str]) -> tuple[list[Fault], list[str]]:
    """The faults of modules that are nowhere, and the modules that only have to be installed."""
    faults, to_install = [], []
    for module in missing:
        if brings(inspection.requirements, module):
            to_install.append(module)
            continue
        message = f"the module `{module}` is neither installed nor named in code/requirements.txt"
        faults.append(Fault(code="import-missing", message=message, place=inspection.imports[module]))
    return faults, to_install


def install(package: Path, python: str, target: Path, temporary: Path) -> Path | None:
    """Install code/requirements.txt into the directory `target`, once, by way of `temporary` on the same disk.

    Returns `target`, or None where there is nothing to install. Raises BadInput where pip fails.
    """
    requirements = package / "code" / "requirements.txt"
    if not requirements.is_file():
        return None
    if target.is_dir():
        return target
    command = [python or sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        done = subprocess.run(
            [*command, "--target", str(temporary), "-r", str(requirements)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadInput(f"code/requirements.txt could not be installed: {error}", "name another --python") from error
    if done.returncode:
        last = next((line for line in reversed(done.stdout.splitlines()) if line.strip()), "it said nothing")
        raise BadInput(f"code/requirements.txt cannot be installed: {last[:300]}", "correct it, or name a --python")
    temporary.mkdir(exist_ok=True)  # a file with comments alone installs nothing
    with contextlib.suppress(OSError):  # another process was faster
        temporary.rename(target)
    return target
