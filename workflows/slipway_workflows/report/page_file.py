"""Writes the file of a report."""

from pathlib import Path

from slipway_steps.domain.errors import BadInput
from slipway_steps.files import replace_file


def write_page(text: str, target: Path) -> Path:
    """Write a page to the file `target`, completely or not at all; returns `target`.

    Raises BadInput where it cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # a lone surrogate (from a file name that is not UTF-8) cannot be encoded; it becomes a question mark
        replace_file(target, text.encode(errors="replace").decode())
    except OSError as error:
        raise BadInput(
            f"the report could not be written to {target}: {error.strerror}",
            "check the free space and your permission to write there",
        ) from error
    return target
