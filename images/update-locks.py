"""Gives the locks of the images the versions of requirements.lock, which `make lock` has resolved anew before.

    python3 images/update-locks.py

Lines keep their order and comments. A line with a hash is left as it is and named: its source has to be looked at by a
person. So is a pin on purpose that requirements.lock has otherwise (images/mlflow says which, and why).
"""

import re
import sys
from pathlib import Path

PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;]+)(.*)")
ON_PURPOSE = {("mlflow", "python-dateutil")}
"""Image and package: its S3 client needs an older one."""
FOLLOWERS = ("mlflow", "mlflow-tracing")
"""Packages of MLflow's server, which has to be as new as the client `mlflow-skinny`."""


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def updated(lock: str, wanted: dict[str, str], image: str) -> tuple[str, list[str]]:
    """A lock with the wanted versions by name, and what a person has to look at, a line each."""
    lines, told = [], []
    for line in lock.splitlines():
        found = PIN.fullmatch(line)
        version = wanted.get(normal(found[1])) if found else None
        if found is None or version is None or version == found[2] or (image, normal(found[1])) in ON_PURPOSE:
            lines.append(line)
        elif "--hash" in found[3]:
            told.append(
                f"images/{image}: {found[1]} {found[2]} has a hash; {version} is the newest: change both by hand"
            )
            lines.append(line)
        else:
            lines.append(f"{found[1]}=={version}{found[3]}")
    return "\n".join(lines) + "\n", told


def main(root: Path) -> int:
    """Rewrite the locks of all images below `root`; prints which have changed."""
    pins = [PIN.match(line) for line in (root / "requirements.lock").read_text().splitlines()]
    wanted = {normal(pin[1]): pin[2] for pin in pins if pin}
    for name in FOLLOWERS:
        wanted.setdefault(name, wanted["mlflow-skinny"])
    for path in sorted((root / "images").glob("*/requirements.lock")):
        text, told = updated(path.read_text(), wanted, path.parent.name)
        if text != path.read_text():
            path.write_text(text)
            print(f"changed {path.relative_to(root)}")
        for line in told:
            print(f"look at {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[1]))
