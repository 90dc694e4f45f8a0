"""Addresses of the Kubernetes API."""

from urllib.parse import quote


def path_of(version: str, plural: str, namespace: str, name: str = "") -> str:
    """The path of an object, or of the list of all of them without `name`. `version`: as in a manifest (`apps/v1`);
    `plural`: of the kind (`deployments`); `namespace`: "" for a kind that lives in none.
    """
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    parts = [root, *(["namespaces", quote(namespace, safe="")] if namespace else []), plural]
    return "/".join([*parts, *([quote(name, safe="")] if name else [])])
