"""The inventory of docs/install.md, as it stands there: Ansible reads it, and its passwords are made up once."""

import base64

import install_page


def inventory() -> str:
    """What the page writes to .slipway/inventory.yml."""
    page = install_page.section(install_page.LAPTOP, install_page.REMOVAL)
    return page.split("inventory.yml <<'END'\n")[1].split("\nEND\n")[0] + "\n"


def test_the_inventory_of_a_laptop_makes_its_passwords_once(clusters):
    playbooks = clusters({"localhost": {}})
    api = playbooks.apis["localhost"]
    playbooks.inventory = playbooks.directory / "laptop" / "inventory.yml"
    playbooks.inventory.parent.mkdir()
    playbooks.inventory.write_text(inventory())
    variables = {
        "slipway_context": "x",
        "slipway_kubeconfig": str(playbooks.directory / "kube-localhost"),
        "slipway_environments": ["staging"],
    }
    first = playbooks("platform.yml", "--tags=namespaces,secrets", **variables)
    assert first.failed["localhost"] == 0, first.output
    names = ("slipway-postgresql", "slipway-s3", "slipway-logs")
    secrets = {name: api.get("Secret", name, "slipway")["data"] for name in names}
    assert base64.b64decode(secrets["slipway-postgresql"]["username"]) == b"mlflow"
    made = {value for data in secrets.values() for value in data.values()}
    assert len(made) == 6
    assert all(base64.b64decode(value).isalnum() for value in made)
    second = playbooks("platform.yml", "--tags=namespaces,secrets", **variables)
    assert second.of("localhost") == (0, 0), second.output
    assert not [key for key in api.objects if key[3] == "slipway-build"]
