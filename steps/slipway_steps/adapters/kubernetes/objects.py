"""Kubernetes objects of any kind, as resource templates of a workflow get, make, change and delete them."""

from typing import Any

from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ResourceNotFoundError

from slipway_steps.adapters.kubernetes.api import Api, Conflict
from slipway_steps.domain.errors import PlatformError

Object = dict[str, Any]
MANAGER = "slipway"
"""The name by which server-side apply knows which fields are ours."""


class ClusterObjects:
    """Objects of the cluster that the settings of `api` name. Each method takes a manifest with apiVersion, kind and
    metadata, and raises PlatformError, saying what was tried on what.
    """

    watches = True
    """Controllers change an object after it was written, so waiting for a condition makes sense."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def get(self, wanted: Object) -> Object:
        """The object of this kind and name."""
        return self._call("get", wanted, name=wanted["metadata"]["name"])

    def create(self, wanted: Object) -> Object:
        """A new object; one of that name must not be there."""
        try:
            return self._call("create", wanted, body=wanted)
        except Conflict as error:
            raise PlatformError(f"{_named(wanted)} already exists", "apply it, or delete it before") from error

    def apply(self, wanted: Object) -> Object:
        """The object as wanted, made or changed, by server-side apply."""
        name = wanted["metadata"]["name"]
        return self._call("server_side_apply", wanted, name=name, body=wanted, field_manager=MANAGER)

    def patch(self, wanted: Object) -> Object:
        """The object, which has to be there, with these fields changed by a merge patch."""
        kind = "application/merge-patch+json"
        return self._call("patch", wanted, name=wanted["metadata"]["name"], body=wanted, content_type=kind)

    def delete(self, wanted: Object) -> Object:
        """Delete the object; what the API answers."""
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
