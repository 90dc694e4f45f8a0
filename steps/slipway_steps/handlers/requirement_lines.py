"""What code/requirements.txt names."""

import re
from collections.abc import Iterator
from pathlib import Path

from slipway_steps.domain.handler import Fault, Place

FILE = "code/requirements.txt"
DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "google": "protobuf",
    "OpenSSL": "pyopenssl",
    "attr": "attrs",
    "dotenv": "python-dotenv",
    "Levenshtein": "python-levenshtein",
    "magic": "python-magic",
    "fitz": "pymupdf",
}
"""Modules whose distribution has another name; only for what is not installed, of which nothing else is known."""


def _lines(package: Path) -> list[str]:
    path = package / FILE
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    return [line.split(" #")[0].strip() for line in lines]


def unpinned(package: Path) -> Iterator[Fault]:
    """The lines that let pip choose a version."""
    for number, text in enumerate(_lines(package), 1):
        if text and not text.startswith(("#", "-")) and not re.search(r"===?|@|://", text):
            place = Place(file=FILE, line=number, text=text)
            yield Fault(code="unpinned", message=f"{text} has no exact version", place=place)


def required(package: Path) -> frozenset[str] | None:
    """The normalized names of the distributions that are required; None where a line names a file or an address, which
    may bring anything.
    """
    found = set()
    for text in _lines(package):
        if re.match(r"-r|-e|--requirement|--editable|git\+|https?:|\.|/", text):
            return None
        if name := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
            found.add(normalized(name.group()))
    return frozenset(found)


def normalized(name: str) -> str:
    """The name of a distribution as packaging compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def brings(requirements: frozenset[str] | None, module: str) -> bool:
    """Whether one of the required distributions seems to bring a module that is not installed."""
    if requirements is None:
        return True
    likely = {normalized(DISTRIBUTIONS.get(module, module)), normalized(module)}
    # opencv-python-headless, tensorflow-cpu, google-cloud-storage
    return any(name == one or name.startswith(f"{one}-") for name in requirements for one in likely)
