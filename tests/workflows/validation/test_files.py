"""Dockerfiles, compose files and workflows of GitHub."""

from pathlib import Path

import pytest
import yaml

from slipway_workflows.validation.deployment import validate
from slipway_workflows.validation.dockerfile import expanded, faults_of, instructions

SAFE = "USER 1000\nHEALTHCHECK CMD true\n"


def dockerfile(text: str) -> set[tuple[str, int]]:
    return {(fault.code, fault.path[0]) for fault in faults_of("Dockerfile", text)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("FROM a/b:1\n" + SAFE, set()),
        ("FROM a/b:1@sha256:00\n" + SAFE, set()),
        ("FROM a/b\n" + SAFE, {("SD118", 1)}),
        ("FROM localhost:5000/b\n" + SAFE, {("SD118", 1)}),
        ("FROM --platform=linux/amd64 a/b:latest AS x\n" + SAFE, {("SD118", 1)}),
        ("ARG TAG=latest\nFROM a/b:${TAG}\n" + SAFE, {("SD118", 2)}),
        ("ARG TAG\nFROM a/b:${TAG:-1.0}\n" + SAFE, set()),
        ("FROM a/b:1 AS build\nFROM build\n" + SAFE, set()),
        ("FROM scratch\n" + SAFE, set()),
        ("FROM a/b:1\nHEALTHCHECK CMD true\n", {("SD117", 1)}),
        ("FROM a/b:1\nUSER 1000\nUSER root\nHEALTHCHECK CMD true\n", {("SD117", 3)}),
        ("FROM a/b:1\nUSER 0:0\nHEALTHCHECK CMD true\n", {("SD117", 2)}),
        ("FROM a/b:1\nUSER 1000\n", {("SD119", 1)}),
        ("FROM a/b:1\nUSER 1000\nHEALTHCHECK NONE\n", {("SD119", 1)}),
        ("FROM a/b:1\nRUM x\n" + SAFE, {("SD001", 2)}),
        ("# only a comment\n", {("SD001", 1)}),
        ("FROM a/b:1\nENV DB_PASSWORD=swordfish A=b\n" + SAFE, {("SD108", 2)}),
        ("FROM a/b:1\nENV DB_PASSWORD swordfish\n" + SAFE, {("SD108", 2)}),
        ("FROM a/b:1\nARG API_TOKEN\nARG DB_PASSWORD=\n" + SAFE, set()),
        ("FROM a/b:1\nRUN <<EOF\nRUM x\nUSER root\nEOF\n" + SAFE, set()),
        ("FROM a/b:1\nRUN a \\\n# a comment between\n  && b\n" + SAFE, set()),
    ],
)
def test_a_dockerfile(text: str, wanted: set[tuple[str, int]]) -> None:
    assert dockerfile(text) == wanted


def test_instructions_know_their_first_line() -> None:
    found = instructions("# x\nFROM a\n\nRUN a \\\n  b\ncmd x")
    assert [(one.name, one.rest, one.line) for one in found] == [
        ("FROM", "a", 2),
        ("RUN", "a  b", 4),
        ("CMD", "x", 6),
    ]


def test_variables_are_filled_in_as_docker_does() -> None:
    known = {"A": "1", "B": ""}
    assert expanded("$A ${A} ${B} ${B:-2} ${A:+x$A} ${B:+x} ${C:-${A}}", known) == "1 1  2 x1  1"


COMPOSE = {
    "services": {
        "db": {
            "image": "acme/db:1.0.0",
            "environment": {"POSTGRES_PASSWORD_FILE": "/run/secrets/db"},
            "secrets": ["db"],
            "networks": ["inner"],
        },
        "app": {"image": "acme/app:1.0.0", "depends_on": {"db": {"condition": "service_healthy"}}},
    },
    "secrets": {"db": {"file": "./db"}},
    "networks": {"inner": {}},
}


def compose(directory: Path, name: str = "compose.yaml", **app: object) -> list[str]:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed (pip install -e .[platform])")
    services = {**COMPOSE["services"], "app": {**COMPOSE["services"]["app"], **app}}
    (directory / name).write_text(yaml.safe_dump({**COMPOSE, "services": services}, sort_keys=False))
    return [f"{one.rule.split()[0]} {one.message}" for one in validate([directory / name]).findings]


@pytest.mark.parametrize(
    ("app", "wanted"),
    [
        ({}, []),
        ({"image": "acme/app"}, ["SD118 service app runs the image acme/app, which has no tag"]),
        ({"image": "acme/app", "build": "."}, []),
        ({"image": "${APP}"}, []),
        ({"user": "root"}, ["SD117 service app runs as root"]),
        ({"privileged": True}, ["SD120 service app is privileged"]),
        ({"network_mode": "host"}, ["SD120 service app shares the host's namespaces by network_mode"]),
        (
            {"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]},
            ["SD120 service app mounts /var/run/docker.sock of the host"],
        ),
        ({"environment": ["API_TOKEN=abc123"]}, ["SD108 service app has a secret in the variable API_TOKEN"]),
        ({"environment": {"API_TOKEN": "${API_TOKEN}"}}, []),
        ({"depends_on": ["dbb"]}, ["SD105 service app depends on dbb, which is not there"]),
        ({"secrets": [{"source": "no"}]}, ["SD105 service app names secret no, which is not there"]),
        ({"networks": ["default"]}, []),
    ],
)
def test_a_compose_file(app: dict[str, object], wanted: list[str], tmp_path: Path) -> None:
    assert compose(tmp_path, **app) == wanted


def test_a_typo_in_a_compose_file_is_found_and_no_value_is_told(tmp_path: Path) -> None:
    (found,) = compose(tmp_path, imagge="x")
    assert found.startswith("SD001 services.app: Unevaluated properties are not allowed ('imagge'")
    told = compose(tmp_path, environment="swordfish")
    assert told
    assert "swordfish" not in " ".join(told)


def test_a_compose_file_is_known_by_what_it_holds_too(tmp_path: Path) -> None:
    assert compose(tmp_path, "stack.yml", privileged=True) == ["SD120 service app is privileged"]


def test_compose_files_beside_each_other_are_read_as_one(tmp_path: Path) -> None:
    assert compose(tmp_path) == []
    override = {"services": {"app": {"image": "acme/app:1.0.0", "depends_on": ["db"], "secrets": ["db"]}}}
    (tmp_path / "compose.override.yaml").write_text(yaml.safe_dump(override))
    assert len(validate([tmp_path / "compose.override.yaml"]).findings) == 2
    assert validate([tmp_path]).findings == []
    (tmp_path / "compose.override.yaml").write_text(yaml.safe_dump({"include": ["x.yaml"], **override}))
    assert validate([tmp_path / "compose.override.yaml"]).findings == []


def test_a_waiver_in_a_compose_file_is_for_its_service_alone(tmp_path: Path) -> None:
    service = "    image: a/b:1\n    user: root\n"
    waived = "    # slipway:skip=SD117: it has no capability\n"
    text = f"services:\n  a:\n{waived}{service}  b:\n{service}  c:\n{service}{waived}volumes: {{}}\n"
    (tmp_path / "compose.yaml").write_text(text)
    found = validate([tmp_path / "compose.yaml"])
    assert [one.message for one in found.findings] == ["service b runs as root"]
    assert [one.finding.message for one in found.waived] == ["service a runs as root", "service c runs as root"]


WORKFLOW = "on: [push]\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n    - run: make\n"


def test_a_workflow_of_github(tmp_path: Path) -> None:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed (pip install -e .[platform])")
    file = tmp_path / "w.yml"
    file.write_text(WORKFLOW)
    assert validate([file]).findings == []
    file.write_text(WORKFLOW.replace("steps:", "step:"))
    (found,) = validate([file]).findings
    assert (found.line, found.rule) == (3, "SD001 schema")
    assert "'step' was unexpected" in found.message
    file.write_text(WORKFLOW.replace("- run:", "- runs:"))
    assert [one.line for one in validate([file]).findings] == [6]
