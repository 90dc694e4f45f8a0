"""The Roles and service accounts of the steps, and the table in docs/security.md that lists them."""

from typing import Any

import pytest
from workflows.catalog.generated import ALL, document

from slipway_steps.entry import STEPS
from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.catalog import rbac, templates
from slipway_workflows.step import service_account_of

ROLES = [one for one in ALL if one["kind"] == "Role"]


@pytest.mark.parametrize("role", ROLES, ids=lambda r: f"{r['metadata']['namespace']}-{r['metadata']['name']}")
def test_no_role_is_wide(role: dict[str, Any]) -> None:
    for rule in role["rules"]:
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert "secrets" not in rule["resources"]
    assert {one["kind"] for one in ALL}.isdisjoint({"ClusterRole", "ClusterRoleBinding"})


def test_every_step_has_its_account_and_every_account_exists() -> None:
    accounts = {one["metadata"]["name"] for one in ALL if one["kind"] == "ServiceAccount"}
    used = {
        found["serviceAccountName"]
        for name in templates()
        for found in document(name)["spec"]["templates"]
        if "container" in found
    }
    assert used == {service_account_of(step) for step in STEPS}
    assert used | {document("build-images")["spec"]["templates"][1]["serviceAccountName"]} <= accounts
    for binding in (one for one in ALL if one["kind"] == "RoleBinding"):
        assert {subject["name"] for subject in binding["subjects"]} <= accounts


def test_the_table_of_rights_is_the_roles() -> None:
    page = (PROJECT_ROOT / "docs" / "security.md").read_text()
    assert rbac.table() in page
