"""Runs a program that finds only the packages a list names: python only_packages.py LIST PROGRAM ARGUMENTS...

LIST has lines as a lock has them (`name==version`). Modules of all other distributions are as if not installed.
"""

import re
import runpy
import sys
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions
from pathlib import Path


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


lock, program, *arguments = sys.argv[1:]
named = {normal(line.split("==")[0]) for line in Path(lock).read_text().splitlines() if "==" in line}
owners = {module: {normal(one) for one in found} for module, found in packages_distributions().items()}
owners = {module: found for module, found in owners.items() if not module.startswith("slipway_")}
find = PathFinder.find_spec


# typed as PathFinder's own, which takes the place of it
def find_spec(name, path=None, target=None):  # type: ignore[no-untyped-def]
    if "." not in name and not owners.get(name, named) & named:
        return None
    return find(name, path, target)


# replaced on purpose: the only way to hide installed packages from a program that runs unchanged
PathFinder.find_spec = staticmethod(find_spec)  # type: ignore[method-assign]
sys.argv = [program, *arguments]
runpy.run_path(program, run_name="__main__")
