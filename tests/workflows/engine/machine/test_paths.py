"""Paths of a container are mapped into the step's own directory, and never outside it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_workflows.engine.machine.paths import StepFiles

TEMPLATE = {
    "container": {
        "image": "alpine",
        "command": ["sh", "-c"],
        "args": ["cat /in/x /var/tmp/y > /tmp/out/v; ls /tmpfs {{inputs.parameters.p}} /w"],
        "env": [{"name": "A", "value": "/tmp/a"}],
        "volumeMounts": [{"name": "w", "mountPath": "/w"}],
    },
    "inputs": {"artifacts": [{"name": "x", "path": "/in/x"}]},
    "outputs": {"parameters": [{"name": "v", "valueFrom": {"path": "/tmp/out/v"}}]},
}


def test_only_the_template_s_own_paths_are_rewritten() -> None:
    files = StepFiles(Path("/home/wf/work/a"), TEMPLATE)
    main = files.rewrite(TEMPLATE)["container"]
    own = "/home/wf/work/a"
    assert main["args"] == [
        f"cat {own}/in/x /var/tmp/y > {own}/tmp/out/v; ls /tmpfs {{{{inputs.parameters.p}}}} {own}/w"
    ]
    assert main["env"] == [{"name": "A", "value": f"{own}/tmp/a"}]
    assert TEMPLATE["container"]["env"] == [{"name": "A", "value": "/tmp/a"}], "the template itself was changed"


def test_directories_of_a_container_are_there(tmp_path: Path) -> None:
    files = StepFiles(tmp_path, TEMPLATE)
    files.prepare(TEMPLATE)
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")} == {"tmp", "tmp/out", "w", "in", "dev"}


@given(st.text(alphabet="ab./ ~", max_size=30))
def test_no_path_leads_out(path: str) -> None:
    files = StepFiles(Path("/home/wf/work/a"), TEMPLATE)
    assert files.at(path).resolve().is_relative_to(files.directory)


@given(st.lists(st.text(alphabet="abc-", min_size=1, max_size=5), min_size=1, max_size=4))
def test_what_a_step_reads_back_is_the_container_s_path(parts: list[str]) -> None:
    files = StepFiles(Path("/home/wf/work/a"), TEMPLATE)
    path = "/" + "/".join(parts)
    assert files.with_container_paths(str(files.at(path))) == path


def test_a_working_directory_of_the_system_is_not_made_a_step_s_own(tmp_path: Path) -> None:
    for directory, isolated in (("/srv/own", True), ("/proc/own", False)):
        template = {"container": {"image": "alpine", "workingDir": directory}}
        assert StepFiles(tmp_path, template, isolated=True).isolated is isolated


@pytest.mark.parametrize("path", ["/dev/termination-log", "/tmp/why"])
def test_the_termination_log_is_a_file_of_the_step(path: str, tmp_path: Path) -> None:
    main = {"args": [f"--termination-log={path}"]} | (
        {} if path.startswith("/dev") else {"terminationMessagePath": path}
    )
    template = {"container": main}
    files = StepFiles(tmp_path, template)
    files.prepare(template)
    assert files.termination_message() == ""
    flag = files.rewrite(template)["container"]["args"][0]
    Path(flag.partition("=")[2]).write_text("why it failed\n")
    assert files.termination_message() == "why it failed"
    assert flag == f"--termination-log={tmp_path}{path}"
