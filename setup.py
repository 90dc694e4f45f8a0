"""What pyproject.toml cannot say: the distribution carries directories that lie outside of its packages.

The catalog, the training program and the app are files that users read and replace, so they lie outside of the
packages. A wheel gets a copy of them as `slipway_steps/project/`; `slipway_steps.settings.PROJECT_ROOT` finds it there.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CARRIED = ("images/app", "images/train", "workflows/manifests", "workflows/perf", "workflows/validation")


class BuildWithProject(build_py):
    """Copies the carried directories; an editable install reads those of the checkout."""

    def run(self) -> None:
        """See build_py."""
        super().run()
        if self.editable_mode:
            return
        for name in CARRIED:
            target = Path(self.build_lib) / "slipway_steps" / "project" / name
            # what an earlier build left there may be gone from the source
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(name, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))


setup(cmdclass={"build_py": BuildWithProject})
