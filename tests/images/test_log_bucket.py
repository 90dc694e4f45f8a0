"""The account and the bucket of archived logs, as MLflow's pod makes them in the S3 store of the platform."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from s3_server import ROOT, S3Server

from slipway_steps.settings import PROJECT_ROOT

boto3 = pytest.importorskip("boto3", reason="boto3 is not installed; images/mlflow has it")

PROGRAM = PROJECT_ROOT / "images" / "mlflow" / "log_bucket.py"
LOGS = ("logs", "s3cr3t-<&>")


@pytest.fixture
def store() -> Iterator[S3Server]:
    server = S3Server()
    yield server
    server.close()


def run(store: S3Server, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": ROOT[0],
        "AWS_SECRET_ACCESS_KEY": ROOT[1],
        "MLFLOW_S3_ENDPOINT_URL": store.url,
        "LOGS_BUCKET": "slipway-logs",
        "LOGS_ACCESS_KEY_ID": LOGS[0],
        "LOGS_SECRET_ACCESS_KEY": LOGS[1],
        **more,
    }
    environment = {key: value for key, value in environment.items() if value}
    return subprocess.run([sys.executable, PROGRAM], env=environment, capture_output=True, text=True, check=False)


def client(store: S3Server, keys: tuple[str, str] = LOGS) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=store.url,
        region_name="us-east-1",
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
    )


def test_steps_get_keys_that_only_reach_the_logs(store: S3Server) -> None:
    client(store, ROOT).create_bucket(Bucket="mlflow")
    done = run(store)
    assert done.returncode == 0, done.stderr
    assert store.roles == {"logs": "user"}
    logs = client(store)
    logs.put_object(Bucket="slipway-logs", Key="release-1/train/main.log", Body=b"epoch 1\n")
    assert logs.get_object(Bucket="slipway-logs", Key="release-1/train/main.log")["Body"].read() == b"epoch 1\n"
    for refused in (
        lambda: logs.delete_object(Bucket="slipway-logs", Key="release-1/train/main.log"),
        lambda: logs.put_object(Bucket="mlflow", Key="artifacts/model", Body=b"mine"),
        lambda: logs.get_object(Bucket="mlflow", Key="artifacts/model"),
        lambda: logs.create_bucket(Bucket="mine"),
    ):
        with pytest.raises(Exception, match="AccessDenied"):
            refused()


def test_a_second_start_changes_nothing_but_a_new_secret(store: S3Server) -> None:
    assert run(store).returncode == 0
    client(store).put_object(Bucket="slipway-logs", Key="a/main.log", Body=b"kept")
    assert run(store, LOGS_SECRET_ACCESS_KEY="another").returncode == 0
    assert store.buckets["slipway-logs"].objects["a/main.log"] == b"kept"
    assert client(store, ("logs", "another")).get_object(Bucket="slipway-logs", Key="a/main.log")["Body"].read()


def test_in_a_store_of_yours_it_only_tries_the_keys(store: S3Server) -> None:
    """There the account and the bucket are made by whoever runs the store, whose own keys this never has."""
    theirs = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    failed = run(store, **theirs)
    assert failed.returncode == 1
    assert "bucket slipway-logs at http://127.0.0.1" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert store.buckets == {}
    assert run(store).returncode == 0
    assert run(store, **theirs).returncode == 0


def test_no_secret_is_said(store: S3Server) -> None:
    store.accounts["root"] = "changed"
    failed = run(store)
    assert failed.returncode == 1
    for said in (failed.stdout, failed.stderr, run(store).stdout):
        assert LOGS[1] not in said
        assert ROOT[1] not in said
