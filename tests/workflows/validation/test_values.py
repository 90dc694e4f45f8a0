"""Quantities and secrets: what has to be found, and what must not be."""

from typing import Any

import pytest
from workflows.validation.manifests import found, manifest, workload

from slipway_workflows.validation.pods import quantity
from slipway_workflows.validation.secret_values import secret


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *((one, True) for one in ("1", "0.5", ".5", "100m", "2G", "1Gi", "1e3", "12E2", "1E", "-1", 2, 0.5)),
        *(
            (one, False)
            for one in ("2GB", "1 Gi", "1gi", "five", "", "NaN", "inf", "1_000", "1e3Mi", "1,5Gi", True, None)
        ),
    ],
)
def test_a_quantity(text: Any, valid: bool) -> None:
    assert (quantity(text) is not None) == valid


def test_memory_of_less_than_a_byte_is_found() -> None:
    assert found("SD101", workload(resources={"limits": {"memory": "256m"}})) == [
        "Deployment a has the memory limit '256m', which is 0.256 bytes"
    ]
    assert found("SD101", workload(resources={"requests": {"cpu": "256m", "nvidia.com/gpu": 1}})) == []


@pytest.mark.parametrize(
    ("name", "value", "held"),
    [
        ("DB_PASSWORD", "swordfish", True),
        ("PGPASSWORD", "swordfish", True),
        ("api-key", "abc", True),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", True),
        ("ANYTHING", "AKIAIOSFODNN7EXAMPLE", True),
        ("DATABASE_URL", "postgres://me:swordfish@db/x", True),
        ("DATABASE_URL", "postgres://me:$(PASSWORD)@db/x", False),
        ("DATABASE_URL", "postgres://db/x", False),
        ("KEY", "-----BEGIN RSA PRIVATE KEY-----\nMII", True),
        ("DB_PASSWORD", "", False),
        ("DB_PASSWORD", None, False),
        ("DB_PASSWORD", "$(OTHER)", False),
        ("DB_PASSWORD", "/run/secrets/db", False),
        ("DB_PASSWORD_FILE", "db.txt", False),
        ("SECRET_NAME", "db", False),
        ("USE_TOKEN", "true", False),
        ("TOKENIZER", "bert", False),
        ("MAX_TOKENS", "100", False),
        ("PUBLIC_KEY", "abc", False),
        ("MONKEY", "abc", False),
    ],
)
def test_a_secret(name: str, value: Any, held: bool) -> None:
    assert secret(name, value) == held


def test_no_secret_is_printed() -> None:
    objects = [workload(env=[{"name": "DB_PASSWORD", "value": "swordfish"}], args=["--password=swordfish"])]
    objects += [
        manifest("ConfigMap", None, data={"password": "swordfish"}),
        manifest("Secret", None, stringData={"a": "swordfish"}),
    ]
    messages = found("SD108", *objects)
    assert len(messages) == 4
    assert "swordfish" not in " ".join(messages)
