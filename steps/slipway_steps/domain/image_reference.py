"""References to container images: `[host/]repository[:tag][@digest]`."""

import re
from typing import NamedTuple

DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+")
"""A digest as the OCI image specification writes it: an algorithm and what it gave."""
_REFERENCE = re.compile(
    rf"(?P<name>[^@\s]+?)"
    rf"(?::(?P<tag>\w[\w.-]{{0,127}}))?"  # without a slash, so that the port of a host is none
    rf"(?:@(?P<digest>{DIGEST.pattern}))?"
)


class ImageReference(NamedTuple):
    """The parts of a reference; "" for those that it does not have. `name` is the host, if any, and the repository."""

    name: str
    tag: str
    digest: str

    @property
    def host(self) -> str:
        """The registry, with its port; "" where the reference leaves it to whoever pulls."""
        first, slash, _ = self.name.partition("/")
        return first if slash and ("." in first or ":" in first or first == "localhost") else ""

    @property
    def repository(self) -> str:
        """The name without the host."""
        return self.name.removeprefix(f"{self.host}/") if self.host else self.name


def parse_image_reference(text: str) -> ImageReference | None:
    """The parts of a reference; None for a text that is none."""
    found = _REFERENCE.fullmatch(text)
    return ImageReference(found["name"], found["tag"] or "", found["digest"] or "") if found else None
