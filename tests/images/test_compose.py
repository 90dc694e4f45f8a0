"""compose.yaml: the platform of charts/platform on one machine, as hardened, and with secrets from files alone."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rendered_charts import platform
from yaml_files import document

from slipway_steps.settings import PROJECT_ROOT

SECRETS = PROJECT_ROOT / "images" / "compose-secrets.py"
FOUND = document(PROJECT_ROOT / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = FOUND["services"]
PARTS = {
    "postgresql": ("StatefulSet", "postgresql"),
    "s3": ("StatefulSet", "s3"),
    "registry": ("StatefulSet", "registry"),
    "mlflow": ("Deployment", "mlflow"),
}


def container(name: str) -> dict[str, Any]:
    found = platform()
    kind, part = PARTS[name]
    one = found.get((kind, part)) or found["Deployment", part]
    (container,) = one["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container


@pytest.mark.parametrize("name", ["postgresql", "s3", "registry"])
def test_images_of_others_are_those_of_the_chart(name: str) -> None:
    assert SERVICES[name]["image"] == container(name)["image"]


def test_our_images_are_built_from_our_dockerfiles() -> None:
    for name in ("mlflow", "bucket", "health"):
        build = SERVICES[name]["build"]
        assert (PROJECT_ROOT / build["context"] / build["dockerfile"]).is_file()
        assert SERVICES[name]["image"].split(":")[0].split("/")[1] == build["dockerfile"].split("/")[1]


def test_arguments_are_those_of_the_chart() -> None:
    hosts = "--allowed-hosts="
    wanted = [one for one in container("mlflow")["args"] if not one.startswith(hosts)]
    assert [one for one in SERVICES["mlflow"]["command"] if not one.startswith(hosts)] == wanted
    assert SERVICES["s3"]["command"] == container("s3")["args"]


@pytest.mark.parametrize("name", ["postgresql", "s3", "registry", "mlflow"])
def test_variables_are_those_of_the_chart(name: str) -> None:
    """But for addresses in a cluster, and for secrets, which are files here."""
    told = {one["name"]: one["value"] for one in container(name)["env"] if "value" in one}
    own = SERVICES[name]["environment"]
    assert {key: own[key] for key in own.keys() & told.keys()} == {key: told[key] for key in own.keys() & told.keys()}
    assert told.keys() - own.keys() <= {"PGHOST", "PGPORT", "PGSSLMODE"}


def test_every_port_is_on_loopback() -> None:
    ports = [port for one in SERVICES.values() for port in one.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", list(SERVICES))
def test_every_container_is_hardened(name: str) -> None:
    one = SERVICES[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in one["security_opt"]
    assert one["mem_limit"]
    assert one["user"]


def test_no_secret_is_written_here() -> None:
    text = (PROJECT_ROOT / "compose.yaml").read_text()
    variables = [key for one in SERVICES.values() for key in one.get("environment", {})]
    assert not [key for key in variables if "PASSWORD" in key and not key.endswith("_FILE")]
    assert not [key for key in variables if "SECRET" in key or "ACCESS_KEY" in key]
    named = {secret["file"] for secret in FOUND["secrets"].values()} | set(SERVICES["s3"]["env_file"])
    assert all(file.startswith(".secrets/") for file in named)
    assert ".secrets/" in (PROJECT_ROOT / ".gitignore").read_text().splitlines()
    assert "://mlflow:" not in text.replace("http://mlflow:5000", "")


def written(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SECRETS, directory], capture_output=True, text=True, check=False)


def test_secrets_are_made_once(tmp_path: Path) -> None:
    directory = tmp_path / ".secrets"
    assert written(directory).returncode == 0
    assert directory.stat().st_mode & 0o777 == 0o700
    first = {path.name: path.read_text() for path in directory.iterdir()}
    needed = {Path(secret["file"]).name for secret in FOUND["secrets"].values()} | {"s3.env"}
    assert set(first) == needed
    assert first["postgresql_password"] in first["postgresql_service"]
    again = written(directory)
    assert (again.returncode, again.stdout) == (0, "")
    assert {path.name: path.read_text() for path in directory.iterdir()} == first
    assert first["postgresql_password"] not in again.stdout


def test_a_lost_secret_is_said_and_nothing_is_made_anew(tmp_path: Path) -> None:
    directory = tmp_path / ".secrets"
    written(directory)
    (directory / "postgresql_service").unlink()
    done = written(directory)
    assert done.returncode == 1
    assert "has no postgresql_service" in done.stderr
    assert not (directory / "postgresql_service").exists()
    assert not list(tmp_path.glob("*.partial*"))


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = written(tmp_path / "file" / "below")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("right", "wrong"), [("", ""), ("mem_limit", "memory_limit"), ('user: "999:999"', "user: [999]")]
)
def test_the_file_is_one_of_compose(right: str, wrong: str, tmp_path: Path) -> None:
    """By the schema of the compose specification; a typo in it is found."""
    program = Path(sys.executable).with_name("check-jsonschema")
    if not program.exists():
        pytest.skip("check-jsonschema is not installed (pip install -e .[platform])")
    file = tmp_path / "compose.yaml"
    text = (PROJECT_ROOT / "compose.yaml").read_text()
    file.write_text(text.replace(right, wrong) if right else text)
    done = subprocess.run(
        [str(program), "--builtin-schema", "vendor.compose-spec", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == (not right), done.stdout
