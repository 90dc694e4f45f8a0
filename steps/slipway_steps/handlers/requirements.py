"""What a handler imports, against what its Python has and what code/requirements.txt names."""

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from slipway_steps.adapters.handlers.printed import last_line
from slipway_steps.adapters.handlers.scratch import Scratch
from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import Fault
from slipway_steps.handlers.inspection import Inspection
from slipway_steps.handlers.requirement_lines import brings

INSTALL_TIMEOUT = 1800
"""Seconds that pip may take; torch is downloaded in some minutes."""
KEPT = re.compile(
    r"PATH|HOME|LANG|LC_\w+|LD_LIBRARY_PATH|PIP_\w+|\w+_(?:proxy|PROXY)|SSL_\w+|REQUESTS_CA_BUNDLE|NETRC|XDG_\w+"
)
"""The environment variables that pip gets: how it reaches an index, and none of ours."""


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


def install(package: Path, python: str, place: Path, scratch: Scratch) -> Path | None:
    """Install code/requirements.txt for this Python into a directory in `place`, once, by way of `scratch` on the same
    disk.

    Returns that directory, or None where there is nothing to install. Raises BadInput where pip fails.
    """
    requirements = package / "code" / "requirements.txt"
    if not requirements.is_file():
        return None
    command = [python or sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    target = place / f"libraries-{hashlib.sha256(command[0].encode()).hexdigest()[:8]}"
    if target.is_dir():
        return target
    libraries, temporary = scratch.path / "libraries", scratch.path / "pip"
    temporary.mkdir(exist_ok=True)
    code, said = _run([*command, "--target", str(libraries), "-r", str(requirements)], temporary, scratch)
    if code:
        last = last_line(said) or "it said nothing"
        raise BadInput(f"code/requirements.txt cannot be installed: {last}", "correct it, or name a --python")
    libraries.mkdir(exist_ok=True)  # a file with comments alone installs nothing
    with contextlib.suppress(OSError):  # another process was faster
        libraries.rename(target)
    return target


def _run(command: list[str], temporary: Path, scratch: Scratch) -> tuple[int, str]:
    """The exit code of pip, which may run code of the packages that it installs, and what it said."""
    variables = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
    try:
        process = subprocess.Popen(
            command,
            env={**variables, "TMPDIR": str(temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise BadInput(
            f"{command[0]} cannot be started: {error.strerror}", "name another Python by --python"
        ) from error
    scratch.watch(process.pid)
    try:
        said, _ = process.communicate(timeout=INSTALL_TIMEOUT)
    except subprocess.TimeoutExpired:
        raise BadInput(f"pip did not install code/requirements.txt within {INSTALL_TIMEOUT} s") from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        scratch.forget(process.pid)
    return process.returncode, said
