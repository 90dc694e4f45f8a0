"""`slipway graph` draws what ran."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from slipway_workflows.cli import main

WORKFLOW = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: drawn}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - {name: first, template: echo}
        - - {name: "taken", template: echo, when: "1 == 1"}
          - {name: left-out, template: echo, when: "1 == 2"}
    - name: echo
      container: {image: busybox, command: ["true"]}
"""


@pytest.fixture(autouse=True)
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wf.yaml").write_text(WORKFLOW)
    assert main(["run", "wf.yaml"]) == 0
    capsys.readouterr()


def words(path: str) -> list[str]:
    return [str(text.text) for text in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def test_the_newest_is_drawn_with_the_branch_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "@latest", "-o", "a.svg"]) == 0
    assert capsys.readouterr().out == "a.svg: drawn\n"
    found = words("a.svg")
    assert [word for word in found if word in ("first", "taken", "left-out")] == ["first", "taken", "left-out"]
    assert found[found.index("left-out") + 1] == "skipped"


def test_a_recorded_workflow_is_drawn_alike(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "@latest", "-o", "json"]) == 0
    Path("wf.json").write_text(capsys.readouterr().out)
    assert main(["graph", "wf.json", "-o", "b.svg"]) == 0
    assert main(["graph", "drawn", "-o", "a.svg"]) == 0
    assert Path("a.svg").read_text() == Path("b.svg").read_text()


@pytest.mark.parametrize(("text", "said"), [("{", "cannot be read"), ("[]", "contains no Workflow")])
def test_garbage_is_refused_and_nothing_written(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.json").write_text(text)
    assert main(["graph", "bad.json", "-o", "c.svg"]) == 1
    assert said in capsys.readouterr().err
    assert not Path("c.svg").exists()
