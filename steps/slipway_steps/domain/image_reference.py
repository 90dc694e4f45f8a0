"""References to container images: `[host/]repository[:tag][@digest]`."""

import re
from typing import NamedTuple

DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+")
"""A digest as the OCI image specification writes it: the name of an algorithm and its result."""
_REFERENCE = re.compile(
    rf"(?P<name>[^@\s]+?)"
    rf"(?::(?P<tag>\w[\w.-]{{0,127}}))?"  # a tag has no slash, so that the port of a host is not taken for a tag
    rf"(?:@(?P<digest>{DIGEST.pattern}))?"
)


class ImageReference(NamedTuple):
    """The parts of an image reference; a missing part is "". `name` is the host, if there is one, and the
    repository.
    """

    name: str
    tag: str
    digest: str

    @property
    def host(self) -> str:
        """The registry with its port, or "" where the reference does not name one."""
        first, slash, _ = self.name.partition("/")
        return first if slash and ("." in first or ":" in first or first == "localhost") else ""

    @property
    def repository(self) -> str:
        """The name of the repository, without the host."""
        return self.name.removeprefix(f"{self.host}/") if self.host else self.name


def parse_image_reference(text: str) -> ImageReference | None:
    """The parts of an image reference; None for a text that is not one."""
    found = _REFERENCE.fullmatch(text)
    return ImageReference(found["name"], found["tag"] or "", found["digest"] or "") if found else None
