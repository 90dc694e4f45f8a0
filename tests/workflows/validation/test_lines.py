"""The line that a finding in a chart names: of the value that the field comes from, else of the template."""

from pathlib import Path

import pytest
from workflows.validation.charts import CHARTS, copied, own, values

from slipway_workflows.findings.finding import Finding
from slipway_workflows.validation.deployment import validate
from slipway_workflows.validation.template_lines import template_lines

pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (pip install -e .[platform])")
pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")


def only(code: str, findings: list[Finding]) -> Finding:
    (found,) = [one for one in findings if one.rule.startswith(code)]
    return found


def line_of(file: Path, text: str) -> int:
    (found,) = [number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line]
    return found


def test_a_value_of_the_user_is_named_in_the_user_s_file(tmp_path: Path) -> None:
    text = "image: {tag: staging-1.0.7}\nresources:\n  limits:\n    cpu: 500m\n    memory: 2GB\n"
    file = values(tmp_path, text)
    found = only("SD101", validate([CHARTS / "model-app"], [file]).findings)
    assert (found.file, found.line) == (str(file), 5)


def test_of_two_files_the_one_that_decides_is_named(tmp_path: Path) -> None:
    first = values(tmp_path, "image: {tag: a}\nresources: {limits: {memory: 2GB}}\n", "first.yaml")
    second = values(tmp_path, "\nresources: {limits: {memory: 3GB}}\n", "second.yaml")
    found = only("SD101", validate([CHARTS / "model-app"], [first, second]).findings)
    assert (found.file, found.line) == (str(second), 2)


def test_a_value_of_the_chart_is_named_there(tmp_path: Path) -> None:
    chart = copied(tmp_path)
    file = chart / "values.yaml"
    file.write_text(file.read_text().replace("memory: 256Mi", "memory: 256MB"))
    found = only("SD101", validate([chart], [values(tmp_path)]).findings)
    assert (found.file, found.line) == (str(file), line_of(file, "256MB"))


def test_a_map_of_the_user_is_named_as_in_the_manual(tmp_path: Path) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: model-app}\nspec:\n"
    service += "  selector: {{- toYaml .Values.selector | nindent 4 }}\n  ports: [{port: 80}]\n"
    chart = own(tmp_path, {"service.yaml": service}, "selector: {}\n")
    file = values(tmp_path, "# mine\nselector:\n  app: model-app\n")
    found = only("SD107", validate([chart], [file]).findings)
    assert (found.file, found.line) == (str(file), 2)
    assert found.message == "Service model-app selects no pod template  (labels: app=model-app)"


def test_what_the_template_says_itself_is_named_there(tmp_path: Path) -> None:
    chart = copied(tmp_path)
    file = chart / "templates" / "service.yaml"
    file.write_text(file.read_text().replace('{{- include "model-app.selector" . | nindent 4 }}', "{app: other}"))
    found = only("SD107", validate([chart], [values(tmp_path)]).findings)
    assert (found.file, found.line) == (str(file), line_of(file, "{app: other}"))


def test_a_line_between_what_helm_fills_in_is_named(tmp_path: Path) -> None:
    chart = copied(tmp_path)
    file = chart / "templates" / "deployment.yaml"
    file.write_text(
        file.read_text().replace("mountPath: /tmp}", "mountPath: /tmp}\n            - {name: no, mountPath: /a}")
    )
    found = only("SD112", validate([chart], [values(tmp_path)]).findings)
    assert (found.file, found.line) == (str(file), line_of(file, "{name: no,"))


def test_a_value_that_only_looks_alike_is_not_named(tmp_path: Path) -> None:
    """`app: staging-1.0.7` is not where the image's tag comes from."""
    template = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
    template += "    - {name: a, image: '{{ .Values.image }}'}\n"
    chart = own(tmp_path, {"pod.yaml": template}, "other: acme/a:latest\nimage: acme/a:latest\n")
    found = only("SD118", validate([chart]).findings)
    assert (found.file, found.line) == (str(chart / "values.yaml"), 2)


def test_lines_of_a_loop_stay_in_the_loop() -> None:
    template = ["ports:", "{{- range .Values.ports }}", "- port: {{ . }}", "{{- end }}", "last: yes"]
    assert template_lines(template, ["ports:", "- port: 1", "- port: 2", "last: yes"]) == [1, 3, 3, 5]
    assert template_lines([], ["a", "b"]) == [1, 1]


def test_lines_of_a_plain_file_are_its_own(tmp_path: Path) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports: [{port: 80}]\n  selector: {a: b}\n"
    (tmp_path / "a.yaml").write_text("# first\n---\n" + service + "---\n" + service.replace("name: a", "name: b"))
    found = [one.line for one in validate([tmp_path / "a.yaml"]).findings]
    assert found == [8, 15]


def test_a_list_in_a_chart_of_any_name_is_taken_apart(tmp_path: Path) -> None:
    service = (
        "- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n  spec: {selector: {a: b}, ports: [{port: 1}]}\n"
    )
    chart = own(tmp_path, {"a.yaml": "apiVersion: v1\nkind: List\nitems:\n" + service}, name="own")
    named = chart.rename(tmp_path / ("My_Chart 1.0+" + "x" * 60))
    found = only("SD107", validate([named]).findings)
    assert (found.file, found.line) == (str(named / "templates" / "a.yaml"), 7)
