"""The kinds of faults of inference handlers, from the catalogue in handler_faults.toml."""

import tomllib
from pathlib import Path
from typing import NamedTuple


class FaultKind(NamedTuple):
    """What every fault of one kind has in common: its name, what it means, what the real server does, how to mend it,
    and the function that it is usually in. A `remark` rejects nothing.
    """

    code: str
    sentence: str
    server: str
    advice: str
    remark: bool = False
    function: str = ""


def _read() -> dict[str, FaultKind]:
    catalogue = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {code: FaultKind(code, **kind) for code, kind in catalogue.items()}


KINDS = _read()
"""The kinds of fault by code, in the order in which the catalogue names them."""
