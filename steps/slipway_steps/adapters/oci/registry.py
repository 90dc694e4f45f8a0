"""The image store of a cluster: an OCI registry over HTTP(S).

A build adds one layer to the app's base image and pushes what is missing. It needs no daemon and no root. Blobs are
named by their content, so an interrupted push can be continued, and doing it twice changes nothing. The tag is written
last.
"""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import requests

from slipway_steps.adapters.oci.blobs import CHUNK, Blobs, Descriptor
from slipway_steps.adapters.oci.http_session import RegistryClient
from slipway_steps.adapters.oci.layers import model_entries, write_layer
from slipway_steps.adapters.oci.layout import CONFIG_TYPE, EPOCH, MANIFEST_TYPE
from slipway_steps.adapters.retry import USUAL, RetryPolicy
from slipway_steps.domain.errors import ImageError
from slipway_steps.domain.image_reference import parse_image_reference
from slipway_steps.settings import Settings

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPT = {"Accept": ", ".join((MANIFEST_TYPE, DOCKER_MANIFEST, *INDEXES))}
PART = 16 * CHUNK
"""Bytes of one part of an upload. This much is sent again where a connection breaks; it takes a second or two."""
RESUMES = 5
"""The number of times that an interrupted upload is continued."""


class Reference(NamedTuple):
    """An image reference, `host/repository:tag` or `host/repository@digest`. `name` is the tag or the digest."""

    host: str
    repository: str
    name: str


def parse_reference(text: str) -> Reference:
    """The parts of an image reference. Raises ImageError for one without a host, or without a tag or digest."""
    found = parse_image_reference(text)
    if found is None or not found.host or not (found.tag or found.digest):
        raise ImageError(
            f"{text!r} is not a full image reference",
            "write it as registry.example:5000/slipway/app:1.2.3 or ...@sha256:...",
        )
    return Reference(found.host, found.repository, found.digest or found.tag)


class OciRegistry:
    """Implements ports.Images with a registry. `settings.registry` is `host[:port][/prefix]`; the app's repository is
    below it.
    """

    def __init__(self, settings: Settings, retry: RetryPolicy = USUAL) -> None:
        host, _, prefix = settings.registry.partition("/")
        self.settings = settings
        self.retry = retry
        self.repository = f"{prefix.strip('/')}/{settings.app}".lstrip("/")
        self.client = RegistryClient(host, settings, retry, settings.registry_insecure)

    def build(self, package: Path, version: str, tag: str) -> str:
        """Build an image from the app's base image and a model layer, push and tag it, and return its digest."""
        base = self._base()
        with tempfile.TemporaryDirectory() as directory:
            blobs = Blobs(Path(directory))
            layer = write_layer(blobs, model_entries(package, version))
            self._push(blobs.path(layer.digest), layer.digest)
            for descriptor in base.manifest["layers"]:
                self._bring(base, str(descriptor["digest"]))
            config = blobs.write_json(_with_layer(base.config, layer, version), CONFIG_TYPE)
            self._push(blobs.path(config.digest), config.digest)
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": config.as_dict(),
                "layers": [*map(_oci, base.manifest["layers"]), layer.as_dict()],
                "annotations": {
                    "org.opencontainers.image.version": f"1.0.{version}",
                    "org.opencontainers.image.base.digest": base.digest,
                },
            }
            found = blobs.write_json(manifest, MANIFEST_TYPE)
            self._put_manifest(blobs.read(found.digest), MANIFEST_TYPE, found.digest)
        self.tag(found.digest, tag)
        return found.digest

    def tag(self, digest: str, tag: str) -> None:
        """Point a tag at a manifest. Its bytes are sent unchanged, so its digest stays the same."""
        body, media_type = self._manifest(self.client, self.repository, digest)
        self._put_manifest(body, media_type, tag)

    def resolve(self, tag: str) -> str | None:
        """The digest that a tag points at, or None."""
        answer = self.client.request(
            "GET",
            f"/v2/{self.repository}/manifests/{quote(tag)}",
            self._scope("pull"),
            expected=(200, 404),
            what=f"looking up {tag}",
            headers=ACCEPT,
        )
        return None if answer.status_code == 404 else _sha256(answer.content)

    def verify(self, digest: str) -> None:
        """Compute the digest of a manifest again, and ask whether the registry has its config and its layers. Raises
        ImageError where one is missing or damaged.
        """
        manifest = json.loads(self._manifest(self.client, self.repository, digest)[0])
        for part in (manifest["config"], *manifest["layers"]):
            if not self._there(str(part["digest"]), "pull"):
                raise ImageError(f"{self.client.host} has no {part['digest']} of image {digest}", "build it again")

    def _scope(self, action: str, repository: str = "") -> str:
        return f"repository:{repository or self.repository}:{action}"

    def _base(self) -> "_Base":
        if not self.settings.app_base:
            raise ImageError("no app base image is named", "set SLIPWAY_APP_BASE to the app's image in the registry")
        reference = parse_reference(self.settings.app_base)
        client = self.client
        if reference.host != client.host:
            insecure = self.settings.app_base_insecure
            plain = self.settings.registry_insecure if insecure is None else insecure
            client = RegistryClient(reference.host, self.settings, self.retry, plain)
        body, media_type = self._manifest(client, reference.repository, reference.name)
        manifest = json.loads(body)
        if media_type in INDEXES or "manifests" in manifest:
            wanted = self.settings.image_architecture
            found = [one for one in manifest["manifests"] if (one.get("platform") or {}).get("architecture") == wanted]
            if not found:
                raise ImageError(
                    f"{self.settings.app_base} has no image for {wanted}", "set SLIPWAY_IMAGE_ARCHITECTURE"
                )
            body, media_type = self._manifest(client, reference.repository, str(found[0]["digest"]))
            manifest = json.loads(body)
        with tempfile.TemporaryDirectory() as directory:
            config = self._pull(client, reference.repository, str(manifest["config"]["digest"]), Blobs(Path(directory)))
            return _Base(client, reference.repository, _sha256(body), manifest, json.loads(config.read_bytes()))

    def _manifest(self, client: RegistryClient, repository: str, name: str) -> tuple[bytes, str]:
        answer = client.request(
            "GET",
            f"/v2/{repository}/manifests/{quote(name)}",
            self._scope("pull", repository),
            expected=(200,),
            what=f"reading image {repository}:{name}",
            headers=ACCEPT,
        )
        if name.startswith("sha256:") and _sha256(answer.content) != name:
            raise ImageError(
                f"{client.host} sent another manifest than {name}", "the registry or the way to it is damaged"
            )
        return answer.content, answer.headers.get("Content-Type", MANIFEST_TYPE).partition(";")[0]

    def _put_manifest(self, body: bytes, media_type: str, name: str) -> None:
        self.client.request(
            "PUT",
            f"/v2/{self.repository}/manifests/{quote(name)}",
            self._scope("pull,push"),
            expected=(201,),
            what=f"tagging {name}",
            headers={"Content-Type": media_type},
            data=body,
        )

    def _there(self, digest: str, action: str = "pull,push") -> bool:
        answer = self.client.request(
            "HEAD",
            f"/v2/{self.repository}/blobs/{digest}",
            self._scope(action),
            expected=(200, 404),
            what=f"looking for {digest}",
        )
        return answer.status_code == 200

    def _bring(self, base: "_Base", digest: str) -> None:
        """Copy a layer of the base image into the app's repository. Within one registry it is mounted, which copies no
        bytes.
        """
        if (base.client is self.client and base.repository == self.repository) or self._there(digest):
            return
        if base.client is self.client:
            answer = self.client.request(
                "POST",
                f"/v2/{self.repository}/blobs/uploads/?mount={digest}&from={quote(base.repository, safe='')}",
                self._scope("pull,push"),
                expected=(201, 202),
                what=f"mounting {digest}",
            )
            if answer.status_code == 201:
                return
        with tempfile.TemporaryDirectory() as directory:
            self._push(self._pull(base.client, base.repository, digest, Blobs(Path(directory))), digest)

    def _pull(self, client: RegistryClient, repository: str, digest: str, blobs: Blobs) -> Path:
        for last in (False, True):
            answer = client.request(
                "GET",
                f"/v2/{repository}/blobs/{digest}",
                self._scope("pull", repository),
                expected=(200,),
                what=f"reading {digest}",
                stream=True,
            )
            try:
                with blobs.writing() as blob:
                    for chunk in answer.iter_content(CHUNK):
                        blob.write(chunk)
            except requests.RequestException as error:
                if last:
                    raise ImageError(
                        f"reading {digest} from {client.host} broke off: {error}", "run it again"
                    ) from error
                continue
            if blob.digest == digest:
                return blobs.path(digest)
        raise ImageError(f"{client.host} sent {digest} damaged, twice", "the registry or the way to it is damaged")

    def _push(self, file: Path, digest: str) -> None:
        """Send a blob in parts. Where a part is lost, the registry is asked how many bytes it has received."""
        if self._there(digest):
            return
        scope, size = self._scope("pull,push"), file.stat().st_size
        what = f"sending {digest}"
        answer = self.client.request("POST", f"/v2/{self.repository}/blobs/uploads/", scope, expected=(202,), what=what)
        location, at, breaks = answer.headers["Location"], 0, 0
        while at < size:
            end = min(at + PART, size)
            headers = {"Content-Type": "application/octet-stream", "Content-Range": f"{at}-{end - 1}"}
            try:
                answer = self.client.request(
                    "PATCH", location, scope, expected=(202,), what=what, headers=headers, data=_part(file, at, end)
                )
                at = end
            except ImageError:
                breaks += 1
                if breaks > RESUMES:
                    raise
                answer = self.client.request("GET", location, scope, expected=(202, 204), what=what)
                at = _reached(answer)
            location = answer.headers.get("Location", location)
        query = "&" if urlsplit(location).query else "?"
        self.client.request("PUT", f"{location}{query}digest={quote(digest)}", scope, expected=(201,), what=what)


class _Base(NamedTuple):
    client: RegistryClient
    repository: str
    digest: str
    manifest: dict[str, Any]
    config: dict[str, Any]


def _part(file: Path, start: int, end: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek(start)
        return opened.read(end - start)


def _reached(answer: requests.Response) -> int:
    """The number of bytes that the registry has received. `Range: 0-N` names the last one; `0-0` means an empty
    upload.
    """
    last = answer.headers.get("Range", "0-0").rpartition("-")[2]
    return int(last) + 1 if last.isdigit() and int(last) > 0 else 0


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _oci(descriptor: dict[str, Any]) -> dict[str, Any]:
    """The descriptor of a Docker layer with the media type of an OCI layer."""
    kind = str(descriptor["mediaType"])
    if kind.startswith("application/vnd.docker.image.rootfs.diff.tar"):
        kind = "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if kind.endswith("gzip") else "")
    return {**descriptor, "mediaType": kind}


def _with_layer(config: dict[str, Any], layer: Descriptor, version: str) -> dict[str, Any]:
    """The base image's config with one more layer."""
    inner = dict(config.get("config") or {})
    inner["Labels"] = {**(inner.get("Labels") or {}), "org.opencontainers.image.version": f"1.0.{version}"}
    rootfs = config.get("rootfs") or {}
    made = {"created": EPOCH, "created_by": f"slipway build: model version {version}"}
    return {
        **config,
        "created": EPOCH,
        "config": inner,
        "rootfs": {"type": "layers", "diff_ids": [*rootfs.get("diff_ids", []), layer.digest]},
        "history": [*(config.get("history") or []), made],
    }
