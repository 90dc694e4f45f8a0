"""Artifacts that go through MLflow's server (`mlflow server --serve-artifacts`), which keeps the keys of the store."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from slipway_steps.adapters.mlflow.http_session import HttpSession, MlflowError

if TYPE_CHECKING:
    import requests

ENDPOINT = "mlflow-artifacts/artifacts"
CHUNK = 2**20
"""Bytes that are read at once."""


def are_proxied(uri: str) -> bool:
    """Whether the artifacts at `uri` go through the server that is asked for everything else."""
    where = urlsplit(uri)
    return where.scheme == "mlflow-artifacts" and not where.netloc


class ProxiedArtifacts:
    """The artifacts below one `mlflow-artifacts:/...` address."""

    def __init__(self, http: HttpSession, uri: str) -> None:
        self.http = http
        self.root = PurePosixPath(urlsplit(uri).path.lstrip("/"))

    def upload(self, data: Path | bytes, path: str, content_type: str) -> None:
        """Store the bytes, or the content of a file, as `path` below the address."""
        headers = {"Content-Type": content_type}
        self.http.call("PUT", self._endpoint(self.root / path), lambda answer: answer.content, data, headers=headers)

    def names(self, path: str = "") -> list[str]:
        """The names in the directory `path` below the address; [] where there is none."""
        return [name for name, _ in self._listed(self.root / path)]

    def read(self, path: str) -> bytes:
        """The content of the small file `path` below the address."""
        content: bytes = self.http.call("GET", self._endpoint(self.root / path), lambda answer: answer.content)
        return content

    def delete(self, path: str) -> None:
        """Delete the file `path` below the address."""
        self.http.call("DELETE", self._endpoint(self.root / path), lambda answer: answer.content)

    def download(self, target: Path, path: str = "") -> Path:
        """Copy the directory `path` below the address, with all that is in it, into the directory `target`."""
        target.mkdir(parents=True, exist_ok=True)
        for file in self._files(self.root / path):
            local = target / file.relative_to(self.root / path)
            local.parent.mkdir(parents=True, exist_ok=True)
            self.http.call("GET", self._endpoint(file), partial(_write, local))
        return target

    def _endpoint(self, path: PurePosixPath) -> str:
        return f"{ENDPOINT}/{quote(str(path))}"

    def _listed(self, path: PurePosixPath) -> list[tuple[str, bool]]:
        """The names in a directory, and whether each is a directory."""
        found = self.http.json("GET", ENDPOINT, {"path": str(path)}).get("files") or []
        listed = [(str(one["path"]), bool(one.get("is_dir"))) for one in found]
        for name, _ in listed:
            if name in ("", ".", "..") or "/" in name or "\\" in name:
                raise MlflowError(f"{path} has an artifact named {name!r}, which is no name of a file")
        return listed

    def _files(self, path: PurePosixPath) -> Iterator[PurePosixPath]:
        for name, is_directory in self._listed(path):
            if is_directory:
                yield from self._files(path / name)
            else:
                yield path / name


def _write(target: Path, answer: "requests.Response") -> None:
    with target.open("wb") as file:
        for part in answer.iter_content(CHUNK):
            file.write(part)
