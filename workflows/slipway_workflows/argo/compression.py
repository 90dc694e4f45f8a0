"""The controller compresses `status.nodes` where they are many: etcd takes 1.5 MB for a whole object."""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

from slipway_steps.domain.errors import PlatformError

COMPRESS_ABOVE = 512 * 1024
"""Bytes of nodes as JSON above which they are written compressed."""


def unpacked_nodes(name: str, status: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`status.nodes` of the workflow `name`, compressed or not; {} where there are none.

    Raises PlatformError where Argo has put them into its database, which the Kubernetes API cannot read, and where
    what is compressed cannot be unpacked.
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
    """The status with its nodes compressed where they are larger than `above` bytes, else as it is."""
    if "nodes" not in status:
        return dict(status)
    text = json.dumps(status["nodes"] or {}).encode()
    if len(text) < above:
        return dict(status)
    rest = {key: value for key, value in status.items() if key != "nodes"}
    return rest | {"compressedNodes": base64.b64encode(gzip.compress(text)).decode()}
