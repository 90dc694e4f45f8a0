"""`slipway validate-deployment` as people call it."""

import json
import sys
from pathlib import Path

import pytest
from workflows.validation.charts import CHARTS, own, values

from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.cli import main
from slipway_workflows.validation.policies import ABSENT

pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (pip install -e .[platform])")
pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")

BAD = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}], selector: {a: b}}\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{key}: &{key} [{','.join([f'*{before}'] * 10)}]\n" for before, key in zip("abcdef", "bcdefg", strict=True)
)


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["validate-deployment", *map(str, arguments)])
    return code, *capsys.readouterr()


def test_a_finding_is_a_line_and_the_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(BAD)
    code, out, err = told(capsys, tmp_path / "a.yaml")
    assert code == 2
    line = f"{tmp_path}/a.yaml:4  SD107 selects-nothing  Service a selects no pod template  (labels: a=b)"
    assert out.splitlines()[0] == line
    assert f"1 findings in 1 object; schemas run, references run, policies {ABSENT}" in err


def test_nothing_found_is_0_and_what_was_not_asked_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = told(capsys, CHARTS / "platform")
    assert (code, out) == (0, "")
    assert err.splitlines()[-1] == f"0 findings in 16 objects; schemas run, references run, policies {ABSENT}"


def test_json_and_sarif(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(
        BAD + "# slipway:skip=SD107: an operator makes the pods\n---\n" + BAD.replace("a}", "b}")
    )
    code, out, _ = told(capsys, tmp_path / "a.yaml", "--output", "json")
    found = json.loads(out)
    assert code == 2
    assert [(one["line"], one["rule"]) for one in found["findings"]] == [(10, "SD107 selects-nothing")]
    assert [one["reason"] for one in found["waived"]] == ["an operator makes the pods"]
    assert found["layers"] == {"schemas": "run", "references": "run", "policies": ABSENT}
    code, out, _ = told(capsys, tmp_path / "a.yaml", "--output", "sarif")
    (run,) = json.loads(out)["runs"]
    assert run["tool"]["driver"]["name"] == "slipway validate-deployment"
    assert [one["ruleId"] for one in run["results"]] == ["SD107"]
    assert {one["ruleId"] for one in run["results"]} <= {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == f"policies: {ABSENT}"


def test_a_waiver_needs_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(BAD + "# slipway:skip=SD107\n")
    code, out, err = told(capsys, tmp_path / "a.yaml")
    assert (code, out) == (1, "")
    assert "the waiver of SD107 has no reason" in err


WRONG: list[tuple[str, bytes, str]] = [
    ("x.yaml", b"apiVersion: v1\nkind: ConfigMap\n" + BOMB.encode(), "more than 1000000 values"),
    ("x.yaml", b"a: [", "did not find"),
    ("x.yaml", b"", "is nothing that can be validated"),
    ("x.yaml", b"a: b\n", "is nothing that can be validated"),
    ("x.yaml", b"- a\n", "is nothing that can be validated"),
    ("compose.yaml", b"- a\n", "is no map"),
    ("Dockerfile", b"\xff\xfe", "cannot be read"),
    (
        "x.yaml",
        b"apiVersion: v1\nkind: Pod\nspec: {containers: [{args: " + b"[" * 4000 + b"]" * 4000 + b"}]}",
        "too deeply",
    ),
    ("directory/x.txt", b"", "holds nothing to validate"),
]


@pytest.mark.parametrize(("name", "content", "said"), WRONG)
def test_what_cannot_be_read_is_one_line_and_the_exit_code_1(
    name: str, content: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    code, out, err = told(capsys, file if file.parent == tmp_path else file.parent)
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert said in err


@pytest.mark.parametrize("kind", ["../all", "a\\0b", "", "x" * 5000, "Pod/../pod"])
@pytest.mark.parametrize("field", ["kind", "apiVersion"])
def test_a_kind_that_no_api_can_have(kind: str, field: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(json.dumps({"apiVersion": "v1", "kind": "Pod", field: kind.replace("\\0", "\0")}))
    code, out, _ = told(capsys, tmp_path / "a.yaml")
    assert code == 2
    assert "SD001 schema" in out


CHART = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n"


@pytest.mark.parametrize(
    ("templates", "given", "said"),
    [
        ({"a.yaml": "{{ .Values.x.y }"}, "", "does not render"),
        ({"a.yaml": "a: b\n"}, "", "without a kind"),
        ({"a.yaml": "{{ if .Values.on }}" + CHART + "{{ end }}"}, "", "renders nothing with these values"),
        ({"a.yaml": CHART + "b: [\n"}, "", "did not find"),
        ({"a.yaml": CHART}, BOMB, "more than 1000000 values"),
        ({"a.yaml": CHART}, "- a\n", "is no file of values"),
    ],
)
def test_a_chart_that_cannot_be_used_is_one_line(
    templates: dict[str, str], given: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chart = own(tmp_path, templates)
    code, out, err = told(capsys, chart, *(["-f", values(tmp_path, given)] if given else []))
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert said in err


def test_what_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(BAD)
    for arguments in (
        [tmp_path / "no"],
        [tmp_path / "a.yaml", "-f", tmp_path / "no"],
        [tmp_path / "a.yaml", "-f", values(tmp_path)],
    ):
        code, out, err = told(capsys, *arguments)
        assert (code, out, len(err.splitlines())) == (1, "", 1)


@pytest.mark.parametrize(("module", "arguments"), [("helm_python", ["chart"]), ("kubernetes_validate", ["a.yaml"])])
def test_what_is_not_installed_is_named_with_its_extra(
    module: str,
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own(tmp_path, {"a.yaml": CHART}, name="chart")
    (tmp_path / "a.yaml").write_text(CHART)
    monkeypatch.setitem(sys.modules, module, None)
    code, out, err = told(capsys, *(tmp_path / one for one in arguments))
    assert (code, out) == (1, "")
    assert "is not installed (pip install 'slipway[platform]')" in err


def test_a_directory_holds_charts_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own(tmp_path, {"a.yaml": CHART})
    (tmp_path / "playbook.yml").write_text("- hosts: all\n")
    (tmp_path / "Dockerfile").write_text("FROM acme/app:1.0.0\nUSER 1000\nHEALTHCHECK CMD true\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.yaml").write_text(BAD)
    code, _, err = told(capsys, tmp_path)
    assert code == 0
    assert "0 findings in 1 object, 1 Dockerfile" in err


KIND = "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{anything: 1}}\n"


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("EventBus", "Argo Events"),
        ("EventSource", "Argo Events"),
        ("Sensor", "Argo Events"),
        ("Application", "Argo CD"),
        ("Rollout", "Argo Rollouts"),
        ("WorkflowTaskResult", "Argo Workflows"),
    ],
)
def test_a_kind_of_argo_is_known_and_told(
    kind: str, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(KIND.format(version="argoproj.io/v1alpha1", kind=kind))
    code, out, err = told(capsys, tmp_path / "a.yaml")
    assert (code, out) == (0, "")
    assert f"{kind} a has no schema here, so its fields were not checked  (a kind of {part}" in err


@pytest.mark.parametrize(
    ("version", "kind"),
    [("argoproj.io/v1", "Sensor"), ("argoproj.io/v1alpha1", "Senser"), ("example.com/v1", "Sensor")],
)
def test_what_is_no_kind_of_argo_is_a_finding(
    version: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(KIND.format(version=version, kind=kind))
    assert told(capsys, tmp_path / "a.yaml")[0] == 2


def test_our_own_manifests_have_no_finding(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(capsys, PROJECT_ROOT / "workflows" / "manifests")
    assert (code, out) == (0, "")


@pytest.mark.parametrize(("value", "code"), [("12", 0), ("0.5", 0), ("true", 0), ("{a: 1}", 2)])
def test_a_number_is_a_value_of_a_parameter(
    value: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: a}\nspec:\n  entrypoint: main\n"
        f"  arguments: {{parameters: [{{name: n, value: {value}}}]}}\n"
        "  templates: [{name: main, container: {image: 'a:1'}}]\n"
    )
    assert told(capsys, tmp_path / "a.yaml")[0] == code
