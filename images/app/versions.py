"""Reads versions.txt, which names the model version of this image. It was written when the image was built."""

from pathlib import Path


def read_versions(path: Path) -> tuple[dict[str, str], str]:
    """The lines `name=value` of the file, and what is wrong with it ("" where nothing is)."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        return {}, f"versions.txt cannot be read: {getattr(error, 'strerror', None) or error}"
    found = {name.strip(): value.strip() for name, sign, value in (line.partition("=") for line in lines) if sign}
    return found, "" if found.get("model-version") else "versions.txt names no model-version"
