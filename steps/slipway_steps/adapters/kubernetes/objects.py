"""Kubernetes objects of any kind: what the resource templates of a workflow get, create, apply, patch and delete."""

from typing import Any

from slipway_steps.adapters.kubernetes.api import MERGE_PATCH, Api, Conflict
from slipway_steps.adapters.kubernetes.paths import path_of
from slipway_steps.domain.errors import PlatformError

Object = dict[str, Any]
APPLY = "application/apply-patch+yaml"
MANAGER = "slipway"
"""The field manager: the name under which server-side apply records which fields Slipway has set."""


class ClusterObjects:
    """The objects of the cluster that the settings of `api` name. Each method takes a manifest with apiVersion, kind
    and metadata, and raises PlatformError that says what was tried on which object.
    """

    watches = True
    """Controllers change an object after it was written, so waiting for a condition makes sense here."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def get(self, wanted: Object) -> Object:
        """The object of this kind and name."""
        return self._answer(self.api.get(self._path(wanted), what=f"get {_named(wanted)}"))

    def create(self, wanted: Object) -> Object:
        """Create the object and return it. Raises PlatformError where one of that name exists."""
        try:
            return self._answer(self.api.post(self._path(wanted, whole=True), wanted, what=f"create {_named(wanted)}"))
        except Conflict as error:
            raise PlatformError(f"{_named(wanted)} already exists", "apply it, or delete it before") from error

    def apply(self, wanted: Object) -> Object:
        """Create or change the object by server-side apply, and return it."""
        what = f"apply {_named(wanted)}"
        return self._answer(self.api.patch(self._path(wanted), wanted, what=what, kind=APPLY, fieldManager=MANAGER))

    def patch(self, wanted: Object) -> Object:
        """Change the given fields of an existing object by a merge patch, and return the object."""
        return self._answer(
            self.api.patch(self._path(wanted), wanted, what=f"patch {_named(wanted)}", kind=MERGE_PATCH)
        )

    def delete(self, wanted: Object) -> Object:
        """Delete the object, and return the answer of the API."""
        return self._answer(self.api.delete(self._path(wanted), what=f"delete {_named(wanted)}"))

    @staticmethod
    def _answer(found: Any) -> Object:
        return found if isinstance(found, dict) else {}

    def _path(self, wanted: Object, whole: bool = False) -> str:
        """The path of the object, or of the `whole` list that it belongs in, by what the cluster says of its kind."""
        version, kind, metadata = str(wanted.get("apiVersion")), wanted.get("kind"), wanted["metadata"]
        root = path_of(version, "", "").rstrip("/")
        found = self.api.get(root, what=f"looking up the kind of {_named(wanted)}", absent=True) or {}
        for one in found.get("resources") or []:
            if one.get("kind") == kind and "/" not in one["name"]:
                namespace = metadata.get("namespace", "default") if one.get("namespaced") else ""
                return path_of(version, one["name"], namespace, "" if whole else metadata.get("name", ""))
        raise PlatformError(f"the cluster has no such kind as {version} {kind}", "check apiVersion and kind")


def _named(wanted: Object) -> str:
    metadata = wanted["metadata"]
    return f"{wanted.get('kind')} {metadata.get('namespace', 'default')}/{metadata.get('name')}"
