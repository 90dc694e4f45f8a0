"""The Kubernetes objects that resource templates read and change.

They are files of this machine (`FileObjects`), or those of a cluster: whoever starts a run hands these in.
"""

import copy
from pathlib import Path
from typing import Any, Protocol

import yaml

from slipway_steps.domain.errors import Broken
from slipway_steps.files import replace_file

Object = dict[str, Any]


class Objects(Protocol):
    """A store of Kubernetes objects.

    `wanted` is a manifest: its kind, namespace and name say which object is meant. Each method raises Broken where it
    fails, with a message that says what was tried on which object.
    """

    watches: bool
    """Whether a controller may change an object after it was written, so that waiting for a condition makes sense."""

    def get(self, wanted: Object) -> Object:
        """Return the object. Raises Broken where it does not exist."""

    def create(self, wanted: Object) -> Object:
        """Create the object and return it. Raises Broken where it exists already."""

    def apply(self, wanted: Object) -> Object:
        """Create the object, or change its fields to the wanted ones, and return it."""

    def patch(self, wanted: Object) -> Object:
        """Change the fields that `wanted` has, and return the object. Raises Broken where it does not exist."""

    def delete(self, wanted: Object) -> Object:
        """Delete the object, and return it as it was. Raises Broken where it does not exist."""


def object_name(wanted: Object) -> str:
    """The kind, namespace and name of an object, for messages: `ConfigMap default/settings`."""
    metadata = wanted.get("metadata") or {}
    return f"{wanted.get('kind')} {metadata.get('namespace', 'default')}/{metadata.get('name')}"


def merged(old: Any, new: Any) -> Any:
    """The object `old` after the JSON merge patch `new` (RFC 7386): maps are merged, null removes a field."""
    if not isinstance(new, dict):
        return new
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


class FileObjects:
    """Objects as YAML files `<kind>/<namespace>/<name>.yaml` in `directory`. No controller acts on them."""

    watches = False

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def _path(self, wanted: Object) -> Path:
        metadata = wanted.get("metadata") or {}
        parts = [str(wanted.get("kind")), str(metadata.get("namespace", "default")), str(metadata.get("name"))]
        if any("/" in part or part in ("", ".", "..") for part in parts):
            raise Broken(
                f"{object_name(wanted)} cannot be kept as a file", "kind, namespace and name must be without '/'"
            )
        return self.directory.joinpath(*parts[:2], f"{parts[2]}.yaml")

    def get(self, wanted: Object) -> Object:
        """Read the object from its file. Raises Broken where there is none, or it cannot be read."""
        try:
            found = yaml.safe_load(self._path(wanted).read_text())
        except FileNotFoundError as error:
            raise Broken(f"{object_name(wanted)} not found", f"put it into {self._path(wanted)}") from error
        except (OSError, yaml.YAMLError) as error:
            raise Broken(f"{object_name(wanted)} cannot be read from {self._path(wanted)}: {error}") from error
        return found if isinstance(found, dict) else {}

    def create(self, wanted: Object) -> Object:
        """Write a new file. Raises Broken where it exists already, or cannot be written."""
        if self._path(wanted).exists():
            raise Broken(f"{object_name(wanted)} already exists", "use the action apply, or delete the object first")
        return self._write(copy.deepcopy(wanted))

    def apply(self, wanted: Object) -> Object:
        """Write the file, merged into the one that exists. Raises Broken where it cannot be read or written."""
        return self._write(merged(self.get(wanted) if self._path(wanted).exists() else {}, wanted))

    def patch(self, wanted: Object) -> Object:
        """Merge into the file that exists. Raises Broken where there is none, or it cannot be read or written."""
        return self._write(merged(self.get(wanted), wanted))

    def delete(self, wanted: Object) -> Object:
        """Delete the file; returns what it held. Raises Broken where there is none, or it cannot be read."""
        found = self.get(wanted)
        self._path(wanted).unlink()
        return found

    def _write(self, found: Object) -> Object:
        path = self._path(found)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, yaml.safe_dump(found))
        except OSError as error:
            raise Broken(
                f"{object_name(found)} cannot be written to {path}: {error.strerror}", "is the disk full?"
            ) from error
        return found
