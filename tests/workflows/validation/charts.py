"""Charts for the tests of the validator."""

import shutil
from pathlib import Path

from slipway_steps.settings import PROJECT_ROOT

CHARTS = PROJECT_ROOT / "charts"
RELEASED = "image: {tag: staging-1.0.7}\n"


def values(directory: Path, text: str = RELEASED, name: str = "my.yaml") -> Path:
    file = directory / name
    file.write_text(text)
    return file


def copied(directory: Path, chart: str = "model-app") -> Path:
    return Path(shutil.copytree(CHARTS / chart, directory / chart))


def own(directory: Path, templates: dict[str, str], chart_values: str = "{}\n", name: str = "own") -> Path:
    chart = directory / name
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n")
    (chart / "values.yaml").write_text(chart_values)
    for file, text in templates.items():
        (chart / "templates" / file).write_text(text)
    return chart
