"""Every generated manifest is valid by the schemas of Argo Workflows, Argo Events and Kubernetes."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
import yaml_files
from workflows.catalog.generated import ALL

from slipway_steps.settings import PROJECT_ROOT

SCHEMAS = PROJECT_ROOT.parent / "shared" / "schemas" / "argo-workflows-4.1.2"
KINDS = {"WorkflowTemplate": "workflowtemplates", "CronWorkflow": "cronworkflows"}
EVENTS = SCHEMAS.parent / "argo-events-1.9.11" / "schema.json"


@cache
def schema_of(path: Path) -> dict[str, Any]:
    """A schema, which has to be one itself."""
    schema: dict[str, Any] = json.loads(path.read_text())
    schema = schema.get("openAPIV3Schema", schema)
    jsonschema.validators.validator_for(schema).check_schema(schema)
    return schema


def validate(manifest: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.validators.validator_for(schema)(schema).validate(manifest)


@pytest.mark.skipif(not SCHEMAS.exists(), reason="the CRD schemas of Argo Workflows are not beside this checkout")
@pytest.mark.parametrize("manifest", [one for one in ALL if one["kind"] in KINDS], ids=lambda m: m["metadata"]["name"])
def test_the_api_server_would_accept_it(manifest: dict[str, Any]) -> None:
    validate(manifest, schema_of(SCHEMAS / f"{KINDS[manifest['kind']]}.json"))


@pytest.mark.skipif(not EVENTS.exists(), reason="the schema of Argo Events is not beside this checkout")
@pytest.mark.parametrize("kind", ["EventBus", "EventSource", "Sensor"])
def test_argo_events_would_accept_it(kind: str) -> None:
    schema = schema_of(EVENTS)
    (manifest,) = (one for one in ALL if one["kind"] == kind)
    name = next(key for key in schema["definitions"] if key.endswith(f".{kind}"))
    validate(manifest, {**schema, "$ref": f"#/definitions/{name}"})


@pytest.mark.parametrize("manifest", ALL, ids=lambda m: f"{m['kind']}-{m['metadata']['name']}")
def test_it_survives_yaml(manifest: dict[str, Any]) -> None:
    assert yaml.load(yaml.safe_dump(manifest), yaml_files.Loader) == manifest


CORE = [one for one in ALL if "argoproj.io" not in one["apiVersion"]]


@pytest.mark.parametrize("manifest", CORE, ids=lambda m: f"{m['kind']}-{m['metadata']['name']}")
def test_kubernetes_would_accept_it(manifest: dict[str, Any]) -> None:
    reason = "kubernetes-validate is not installed (pip install -e .[platform])"
    validator = pytest.importorskip("kubernetes_validate", reason=reason)
    validator.validate(manifest, "1.34", strict=True)
