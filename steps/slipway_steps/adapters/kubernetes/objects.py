"""Kubernetes objects of any kind: what the resource templates of a workflow get, create, apply, patch and delete."""

from typing import Any

from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ResourceNotFoundError

from slipway_steps.adapters.kubernetes.api import Api, Conflict
from slipway_steps.domain.errors import PlatformError

Object = dict[str, Any]
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
        return self._call("get", wanted, name=wanted["metadata"]["name"])

    def create(self, wanted: Object) -> Object:
        """Create the object and return it. Raises PlatformError where one of that name exists."""
        try:
            return self._call("create", wanted, body=wanted)
        except Conflict as error:
            raise PlatformError(f"{_named(wanted)} already exists", "apply it, or delete it before") from error

    def apply(self, wanted: Object) -> Object:
        """Create or change the object by server-side apply, and return it."""
        name = wanted["metadata"]["name"]
        return self._call("server_side_apply", wanted, name=name, body=wanted, field_manager=MANAGER)

    def patch(self, wanted: Object) -> Object:
        """Change the given fields of an existing object by a merge patch, and return the object."""
        kind = "application/merge-patch+json"
        return self._call("patch", wanted, name=wanted["metadata"]["name"], body=wanted, content_type=kind)

    def delete(self, wanted: Object) -> Object:
        """Delete the object, and return the answer of the API."""
        return self._call("delete", wanted, name=wanted["metadata"]["name"])

    def _call(self, verb: str, wanted: Object, **more: Any) -> Object:
        def ask(client: Any) -> Object:
            resources = DynamicClient(client).resources
            kind = resources.get(api_version=wanted.get("apiVersion"), kind=wanted.get("kind"))
            where = {"namespace": wanted["metadata"].get("namespace", "default")} if kind.namespaced else {}
            found: Object = getattr(kind, verb)(**where, **more, _request_timeout=self.api.timeout).to_dict()
            return found

        what = f"{verb} {_named(wanted)}"
        try:
            return self.api.ask(ask, what) or {}
        except ResourceNotFoundError as error:
            raise PlatformError(f"{what} failed: the cluster has no such kind", "check apiVersion and kind") from error


def _named(wanted: Object) -> str:
    metadata = wanted["metadata"]
    return f"{wanted.get('kind')} {metadata.get('namespace', 'default')}/{metadata.get('name')}"
