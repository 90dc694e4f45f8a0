"""Applies files of Kubernetes manifests by server-side apply, one call an object.

Argo Workflows' CRDs are 12 MB of YAML. Read as variables of a playbook they cost more than a minute; read here, by
libyaml, some seconds. Whether something changed is seen by what the server answers, less what it counts by itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.slipway_manifests import slipway_arguments, slipway_images, slipway_ordered
from kubernetes import config, dynamic
from kubernetes.dynamic.exceptions import DynamicApiError, NotFoundError, ResourceNotFoundError
from urllib3.exceptions import HTTPError

DOCUMENTATION = """
module: slipway_apply
short_description: Apply files of Kubernetes manifests
description: Applies the objects of files by server-side apply, with the images of this installation.
options:
  files: {description: Files of YAML documents., type: list, elements: path, required: true}
  namespace: {description: Namespace of objects that name none., type: str, required: true}
  registry: {description: "Mirror that images are pulled from; empty: as written.", type: str, default: ""}
  overrides: {description: Whole image references to others., type: dict, default: {}}
  deployment: {description: Deployment that `arguments` are for., type: str, default: ""}
  arguments: {description: Arguments that its first container has to have., type: list, elements: str, default: []}
  kubeconfig: {description: Kubeconfig of the cluster., type: path, required: true}
  context: {description: "Context in that file; empty: its current one.", type: str, default: ""}
"""
RETURN = """
applied: {description: Kind and name of what changed., type: list, returned: always}
"""
FIELD_MANAGER = "slipway-ansible"
COUNTED = ("managedFields", "resourceVersion", "generation")


def content(answer: Any) -> dict[str, Any]:
    """An object as the server answered, without its status and the fields that the server counts."""
    found: dict[str, Any] = json.loads(answer.data)
    found.pop("status", None)
    for key in COUNTED:
        found["metadata"].pop(key, None)
    return found


def documents(files: list[str]) -> list[Any]:
    """All documents of all files. Raises ValueError that names the file."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[Any] = []
    for file in files:
        try:
            found += yaml.load_all(Path(file).read_text(), loader)
        except (OSError, yaml.YAMLError) as error:
            raise ValueError(f"{file} could not be read: {error}") from error
    return found


def apply(client: dynamic.DynamicClient, one: dict[str, Any], namespace: str, dry: bool) -> bool:
    """Apply an object. Returns whether it changed."""
    resource = client.resources.get(api_version=one["apiVersion"], kind=one["kind"])
    place = one["metadata"].get("namespace", namespace) if resource.namespaced else None
    name = one["metadata"]["name"]
    try:
        before = content(resource.get(name=name, namespace=place, serialize=False))
    except NotFoundError:
        before = None
    after = resource.server_side_apply(
        body=one,
        name=name,
        namespace=place,
        field_manager=FIELD_MANAGER,
        force_conflicts=True,
        serialize=False,
        **({"dry_run": "All"} if dry else {}),
    )
    return bool(content(after) != before)


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "path", "required": True},
            "namespace": {"type": "str", "required": True},
            "registry": {"type": "str", "default": ""},
            "overrides": {"type": "dict", "default": {}},
            "deployment": {"type": "str", "default": ""},
            "arguments": {"type": "list", "elements": "str", "default": []},
            "kubeconfig": {"type": "path", "required": True},
            "context": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        objects = slipway_ordered(documents(given["files"]))
    except ValueError as error:
        module.fail_json(msg=str(error))
    objects = slipway_arguments(objects, given["deployment"], given["arguments"])
    objects = slipway_images(objects, given["registry"], given["overrides"])
    applied, what = [], f"connecting by {given['kubeconfig']}"
    try:
        client = dynamic.DynamicClient(
            config.new_client_from_config(config_file=given["kubeconfig"], context=given["context"] or None)
        )
        for one in objects:
            what = f"applying {one['kind']} {one['metadata']['name']}"
            if apply(client, one, given["namespace"], module.check_mode):
                applied.append(f"{one['kind']} {one['metadata']['name']}")
    except DynamicApiError as error:
        reason = error.summary() if error.body else str(error)
        module.fail_json(msg=f"{what} failed: {reason}", applied=applied)
    except (ResourceNotFoundError, HTTPError, OSError, config.ConfigException) as error:
        module.fail_json(msg=f"{what} failed: {error}", applied=applied)
    module.exit_json(changed=bool(applied), applied=applied)


if __name__ == "__main__":
    main()
