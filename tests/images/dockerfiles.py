"""Reads our Dockerfiles, and copies what they copy."""

import shutil
from pathlib import Path

from slipway_steps.settings import PROJECT_ROOT


def instructions(name: str) -> list[list[str]]:
    """Instruction and rest of each line, in stages: a new one begins at each FROM."""
    text = (PROJECT_ROOT / "images" / name / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def last_stage(name: str) -> list[list[str]]:
    lines = instructions(name)
    return lines[max(at for at, line in enumerate(lines) if line[0] == "FROM") :]


def copies(name: str) -> list[tuple[list[Path], str]]:
    """Sources in the checkout and their destination, of COPY instructions from the build context."""
    found = []
    for line in instructions(name):
        if line[0] == "COPY" and not line[1].startswith("--from"):
            *sources, target = line[1].split()
            found.append(([path for source in sources for path in sorted(PROJECT_ROOT.glob(source))], target))
    return found


def copied(name: str, root: Path) -> Path:
    """Lay out below `root` what the image has of this checkout."""
    for sources, target in copies(name):
        for source in sources:
            place = root / target.lstrip("/")
            if source.is_dir():
                shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place = place / source.name if target.endswith("/") else place
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, place)
    return root
