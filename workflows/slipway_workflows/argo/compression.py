"""Compressed nodes. etcd takes at most 1.5 MB for an object, so Argo's controller compresses a large `status.nodes`."""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

from slipway_steps.domain.errors import PlatformError

COMPRESS_ABOVE = 512 * 1024
"""Size in bytes, as JSON, from which `status.nodes` is written compressed."""


def unpacked_nodes(name: str, status: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries of `status.nodes` by node id, unpacked if they are compressed; {} where there are none.

    name: of the workflow, for error messages. Raises PlatformError where Argo keeps the nodes in its own database,
    which cannot be read through the Kubernetes API, and where compressed nodes cannot be unpacked.
    """
    packed = status.get("compressedNodes")
    if packed:
        try:
            found: dict[str, dict[str, Any]] = json.loads(gzip.decompress(base64.b64decode(packed)))
        except (ValueError, OSError, EOFError) as error:
            raise PlatformError(f"the compressed nodes of {name} cannot be unpacked: {error}") from error
        return found
    if status.get("offloadNodeStatusVersion") and not status.get("nodes"):
        raise PlatformError(f"the nodes of {name} are in Argo's database", f"use Argo's own program: argo get {name}")
    return status.get("nodes") or {}


def packed_status(status: Mapping[str, Any], above: int = COMPRESS_ABOVE) -> dict[str, Any]:
    """A copy of `status`; its nodes are compressed if they have `above` bytes or more as JSON."""
    if "nodes" not in status:
        return dict(status)
    text = json.dumps(status["nodes"] or {}).encode()
    if len(text) < above:
        return dict(status)
    rest = {key: value for key, value in status.items() if key != "nodes"}
    return rest | {"compressedNodes": base64.b64encode(gzip.compress(text)).decode()}
