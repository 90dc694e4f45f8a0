"""The table of floors in docs/architecture.md agrees with the import contracts."""

import re
import tomllib

from slipway_steps.settings import PROJECT_ROOT

ROW = re.compile(r"^\| (\d+) \| `(?:steps|workflows)/(\w+)/(\w+)(?:/|\.py)` \|")


def test_the_table_of_floors_is_the_import_contract() -> None:
    contracts = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one["name"].startswith("Floors: ")]
    held = [set(layer.split(" | ")) for layer in layers]
    told: dict[int, set[str]] = {}
    for line in (PROJECT_ROOT / "docs" / "architecture.md").read_text().splitlines():
        if found := ROW.match(line):
            told.setdefault(int(found[1]), set()).add(f"{found[2]}.{found[3]}")
    assert [told[floor] for floor in sorted(told, reverse=True)] == held


def test_every_room_has_a_floor() -> None:
    contracts = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one["name"].startswith("Floors: ")]
    held = {room for layer in layers for room in layer.split(" | ")}
    rooms = {
        f"{package.name}.{path.stem}"
        for package in (PROJECT_ROOT / "steps" / "slipway_steps", PROJECT_ROOT / "workflows" / "slipway_workflows")
        for path in package.iterdir()
        if not path.name.startswith("__") and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    # it only makes Hera strict, and is imported by whoever would import Hera
    assert rooms - held == {"slipway_workflows.strict_hera"}
