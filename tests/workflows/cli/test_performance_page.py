"""docs/performance.md: its commands are typed as they stand, its output is what they print, its tables are the code."""

import os
import re
import subprocess
import sys
from pathlib import Path

from slipway_steps.domain.perf_measures import BY_KIND, BY_MODE
from slipway_steps.domain.perf_metrics import METRICS
from slipway_steps.domain.perf_scenario import MODES, PerfScenario, ResourceLimits
from slipway_steps.perf.yardstick import UNSTEADY
from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.cli import group
from slipway_workflows.cli.perf import COMMANDS as SUBCOMMANDS

PAGE = (PROJECT_ROOT / "docs" / "performance.md").read_text()
COMMANDS = re.compile(r"```sh\n(.*?)```\s+```text\n(.*?)```\s+The exit code is (\d)\.", re.DOTALL)


def plain(text: str) -> list[str]:
    """Lines without what differs from run to run: numbers, names of sessions, commits, spaces of the columns."""
    text = re.sub(r"perf-\w+|\([0-9a-f]{10}\)", "NAME", text)
    text = re.sub(r"\d+(\.\d+)?", "N", text)
    lines = (" ".join(line.split()) for line in text.splitlines() if "report: " not in line)
    # a machine on which tests run beside is not steady; the page says when that is noted
    return [line for line in lines if not line.startswith(UNSTEADY)]


def test_every_command_does_what_the_page_says(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SLIPWAY_")} | {"PATH": path}
    found = COMMANDS.findall(PAGE)
    assert len(found) == PAGE.count("```sh") == 2
    for commands, shown, code in found:
        done = subprocess.run(
            ["bash", "-c", commands], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == int(code), done.stdout + done.stderr
        assert plain(done.stdout) == plain(shown)
        (report,) = re.findall(r"report: (\S+)", done.stdout)
        assert (tmp_path / "words" / report).exists()
        assert all("succeeded" in line for line in done.stderr.splitlines())


def test_every_field_is_on_the_page() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    for name, field in PerfScenario.model_fields.items():
        default = field.default
        if field.is_required():
            shown = "required"
        elif default in ("", None, {}, ResourceLimits()):
            shown = "-"
        else:
            shown = f"`{str(default).lower() if isinstance(default, bool) else default}`"
        assert f"| `{field.alias or name}` | {shown} | {field.description} |" in rows


def test_every_metric_mode_and_command_is_on_the_page() -> None:
    for name, metric in METRICS.items():
        assert f"| `{name}` | {metric.unit} | {metric.title} |" in PAGE
    for whose, measures in [*BY_MODE.items(), *BY_KIND.items()]:
        for name, measure in measures.items():
            kind = "smallest" if measure.more_is_better else "largest"
            assert f"| `{name}` | `{whose}` | {kind} | {measure.title} |" in PAGE
    for mode in MODES:
        assert f"| `{mode}` |" in PAGE
    for command in SUBCOMMANDS:
        assert f"slipway perf {command}" in PAGE


def test_every_option_of_the_page_exists() -> None:
    context = group.make_context("slipway", ["perf", "run"], resilient_parsing=True)
    perf = group.get_command(context, "perf")
    assert perf is not None
    for command, words in re.findall(r"^slipway perf (\w+)(.*)$", PAGE, re.MULTILINE):
        known = perf.get_command(context, command)  # type: ignore[attr-defined]  # perf is a group
        options = {option for parameter in known.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", words)) <= options
