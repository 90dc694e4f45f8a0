"""docs/handlers.md: its commands are typed as they stand, its output is what they print, its table is the catalogue."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from slipway_steps.domain.handler_faults import KINDS
from slipway_steps.settings import PROJECT_ROOT

PAGE = (PROJECT_ROOT / "docs" / "handlers.md").read_text()
COMMANDS = re.compile(r"```sh\n(.*?)```(?:\s+```text\n(.*?)```\s+The exit code is (\d)\.)?", re.DOTALL)


def plain(text: str) -> list[str]:
    """Lines without what differs from run to run: digests, times, memory, and the spaces of the table."""
    text = re.sub(r"sha256:[0-9a-f]+|handlers/[0-9a-f]{16}", "H", text)
    text = re.sub(r"\d[\d.]* (ms|s|MiB|kB|MB)\b", "N", text)
    return [" ".join(line.split()) for line in text.splitlines() if not line.startswith("report:")]


@pytest.mark.acceptance
def test_every_command_does_what_the_page_says(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "SLIPWAY_HOME": str(tmp_path / ".slipway")}
    found = COMMANDS.findall(PAGE)
    assert len([one for one in found if one[1]]) == 3
    for commands, shown, code in found:
        done = subprocess.run(
            ["bash", "-c", commands],
            cwd=tmp_path,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == int(code or 0), done.stdout
        assert plain(done.stdout) == plain(shown)


def test_every_fault_is_on_the_page() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    for kind in KINDS.values():
        name = f"`{kind.code}`{' (remark)' if kind.remark else ''}"
        cells = [cell.replace("|", "\\|") for cell in (name, kind.sentence, kind.server, kind.advice)]
        assert f"| {' | '.join(cells)} |" in rows, kind.code


def test_every_option_is_on_the_page() -> None:
    from slipway_workflows.cli.handlers import test_handler as command

    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert {option for option in options if option not in PAGE} == set()
