"""docs/install.md: the recipe that brings data into the bucket, run with stand-ins for kubectl and aws."""

import base64
import json
import os
import subprocess
import sys
from typing import Any

import pytest
import yaml
from install_page import blocks, section

SECRETS = {"slipway-logs": {"access-key-id": "logs", "secret-access-key": "s3cr3t/+="}}
STAND_IN = f"""#!{sys.executable}
import base64, json, os, sys, time
program, words = os.path.basename(sys.argv[0]), sys.argv[1:]
told = {{key: value for key, value in os.environ.items() if key.startswith("AWS_")}}
with open(os.environ["TOLD"], "a") as file:
    file.write(json.dumps([program, words, told]) + "\\n")
if "port-forward" in words:
    time.sleep(60)
if "secret" in words:
    secret = json.loads(os.environ["SECRETS"])[words[words.index("secret") + 1]]
    key = words[-1].removeprefix("jsonpath={{.data.").removesuffix("}}")
    print(base64.b64encode(secret[key].encode()).decode(), end="")
"""
RECIPE = next(text for text in blocks(section("## Your data", "## A push"), "") if "port-forward" in text)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, list[str], dict[str, str]]]:
    """What the programs of the recipe were told: program, arguments, and its variables AWS_*."""
    directory = tmp_path_factory.mktemp("programs")
    for name in ("kubectl", "aws", "sleep"):
        (directory / name).write_text(STAND_IN)
        (directory / name).chmod(0o755)
    log = directory / "told"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment |= {"TOLD": str(log), "SECRETS": json.dumps(SECRETS)}
    environment |= {"PATH": f"{directory}:{environment['PATH']}"}
    subprocess.run(["bash", "-euo", "pipefail", "-c", RECIPE], env=environment, check=True, timeout=30)
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.fixture(scope="module")
def platform() -> dict[tuple[str, str], dict[str, Any]]:
    from rendered_charts import platform

    return platform()


def test_the_port_is_that_of_the_charts_service(told: Any, platform: Any) -> None:
    (words,) = [words for program, words, _ in told if program == "kubectl" and "port-forward" in words]
    kind, name = words[words.index("port-forward") + 1].split("/")
    service = platform[kind.capitalize(), name]
    (port,) = [str(one["port"]) for one in service["spec"]["ports"]]
    assert (words[1], words[-1]) == (service["metadata"]["namespace"], port)
    assert {variables["AWS_ENDPOINT_URL"] for program, _, variables in told if program == "aws"} == {
        f"http://localhost:{port}"
    }


def test_bucket_region_and_keys_are_those_of_argos_repository(told: Any, platform: Any) -> None:
    repository = yaml.safe_load(platform["ConfigMap", "artifact-repositories"]["data"]["slipway"])["s3"]
    asked = {(words[-3], words[-1]) for program, words, _ in told if program == "kubectl" and "secret" in words}
    keys = [repository["accessKeySecret"], repository["secretKeySecret"]]
    assert asked == {(one["name"], f"jsonpath={{.data.{one['key']}}}") for one in keys}
    uploads = [(words, variables) for program, words, variables in told if program == "aws"]
    assert len(uploads) == 2
    for words, variables in uploads:
        assert words[-1].startswith(f"s3://{repository['bucket']}/")
        assert variables["AWS_DEFAULT_REGION"] == repository["region"]
        found = [SECRETS["slipway-logs"][one["key"]] for one in keys]
        assert [variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]] == found


def test_no_password_is_on_a_command_line(told: Any) -> None:
    secret = SECRETS["slipway-logs"]["secret-access-key"]
    hidden = (secret, base64.b64encode(secret.encode()).decode())
    assert not [words for _, words, _ in told if any(one in word for word in words for one in hidden)]


def test_the_page_submits_the_keys_that_were_uploaded(told: Any) -> None:
    text = section("## Your data", "## A push")
    for _, words, _ in [one for one in told if one[0] == "aws"]:
        assert f"data-key={words[-1].split('/', 3)[3]}" in text
