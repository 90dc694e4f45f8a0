"""docs/install.md names only what there is: commands with options, targets, playbooks, values, settings, versions."""

import itertools
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from install_page import PAGE, blocks, commands, walk

from slipway_steps.settings import PROJECT_ROOT, Settings
from slipway_workflows.cli import group

TEXT = PAGE.read_text()
COMMANDS = commands(TEXT)
INLINE = [
    " ".join(found.split()) for found in re.findall(r"(?<!`)`([^`]+)`(?!`)", re.sub(r"```.*?```", "", TEXT, flags=re.S))
]
CHARTS = PROJECT_ROOT / "charts"
ROLES = PROJECT_ROOT / "ansible" / "roles"


def values_of(chart: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHARTS / chart / "values.yaml").read_text())
    return found


def has(values: Any, path: str) -> bool:
    """Whether a chart's values have this key, such as `postgresql.existing.host`."""
    for key in path.split("."):
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True


def typed(program: str) -> list[list[str]]:
    """The words of each command of the page that begins with this program, in blocks and within sentences."""
    lines = [part for line in (*COMMANDS, *INLINE) for part in re.split(r"&&|\|", line)]
    return [shlex.split(line, comments=True) for line in lines if line.strip().startswith(f"{program} ")]


@pytest.mark.parametrize("words", typed("slipway"), ids=" ".join)
def test_slipway_takes_the_command(words: list[str]) -> None:
    """With all its options; whether the workflow's parameters exist is looked up in its template."""
    context = click.Context(group)
    if words[1] == "--version":
        return
    command = group.get_command(context, words[1])
    assert command is not None, f"slipway has no command {words[1]}"
    try:
        given = command.make_context(words[1], words[2:], parent=context).params.get("given") or ()
    except click.MissingParameter:
        assert " ".join(words) in INLINE, "only a sentence may name a command without its arguments"
        return
    if words[1] == "submit":
        template = yaml.safe_load((PROJECT_ROOT / "workflows" / "manifests" / f"{words[2]}.yaml").read_text())
        known = {one["name"] for one in template["spec"]["arguments"]["parameters"]}
        assert {one.partition("=")[0] for one in given} <= known


@pytest.mark.parametrize("words", typed("make"), ids=" ".join)
def test_make_has_the_target(words: list[str]) -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text() + (PROJECT_ROOT / "images" / "build.sh").read_text()
    for word in words[1:]:
        variable, assigned, _ = word.partition("=")
        pattern = rf"\b{variable}\b" if assigned else rf"^{variable}:"
        assert re.search(pattern, makefile, re.M), word


@pytest.mark.parametrize("words", typed("ansible-playbook"), ids=" ".join)
def test_ansible_has_the_playbook_and_its_variables(words: list[str]) -> None:
    (playbook,) = (word for word in words if word.endswith(".yml") and "inventory" not in word)
    assert (PROJECT_ROOT / "ansible" / playbook).exists()
    for option, word in itertools.pairwise(words):
        if option == "-e":
            given = set(yaml.safe_load(word)) if word.startswith("{") else {word.partition("=")[0]}
            assert given <= role_variables()


def role_variables() -> set[str]:
    found: set[str] = set()
    for path in ROLES.glob("*/defaults/main.yml"):
        found |= set(yaml.safe_load(path.read_text()) or {})
    return found


def inventory() -> dict[str, Any]:
    (text,) = re.findall(r"inventory.yml <<'END'\n(.*?)^END$", TEXT, re.M | re.S)
    found: dict[str, Any] = yaml.safe_load(text)["all"]["children"]["cluster"]["vars"]
    return found


def test_the_inventory_sets_what_roles_and_charts_have() -> None:
    given = inventory()
    own = {"passwords", "letters"}
    assert set(given) - own <= role_variables()
    for key, inner in given["platform_services_values"].items():
        for path in (f"{key}.{name}" for name in inner):
            assert has(values_of("platform"), path), f"charts/platform has no {path}"
    assert set(given["slipway_images"]) <= set(values_of("slipway")["images"])


def paths(values: dict[str, Any], above: str = "") -> list[str]:
    """The keys of all values that are no maps, such as `postgresql.existing.host`."""
    found = []
    for key, value in values.items():
        found += paths(value, f"{above}{key}.") if isinstance(value, dict) else [f"{above}{key}"]
    return found


def test_blocks_of_yaml_set_what_roles_and_charts_have() -> None:
    charts = [values_of(chart) for chart in ("platform", "slipway", "model-app")]
    for values in (yaml.safe_load(text) for text in blocks(TEXT, "yaml")):
        unknown = {key: value for key, value in values.items() if key not in role_variables()}
        assert [path for path in paths(unknown) if not any(has(chart, path) for chart in charts)] == []


def test_the_secrets_have_the_keys_that_the_table_and_the_chart_name() -> None:
    secrets = {one["name"]: set(one["data"]) for one in inventory()["secrets_entries"]}
    chart = "".join(path.read_text() for path in (CHARTS / "platform" / "templates").iterdir())
    for name, keys in secrets.items():
        row = next(line for line in TEXT.splitlines() if line.startswith("|") and f"`{name}`" in line)
        assert all(f"`{key}`" in row for key in keys)
        assert all(f"key: {key}" in chart for key in keys)


def test_files_settings_and_values_exist() -> None:
    variables = role_variables() | {path.name for path in ROLES.iterdir()}
    charts = [values_of(chart) for chart in ("platform", "slipway", "model-app")]
    wrong = []
    for word in INLINE:
        path = word.rstrip("/")
        if re.fullmatch(r"(charts|ansible|images|workflows|tests|\.github)/[\w./-]+", path):
            if not (PROJECT_ROOT / path).exists() and "release-" not in path:
                wrong.append(word)
        elif re.fullmatch(r"(slipway|platform|argo|argocd|secrets|node|teardown|metrics)_[a-z_]+", word):
            wrong += [word] if word not in variables else []
        elif re.fullmatch(r"(mlflow|postgresql|s3|registry|events|manifests|cron|image|images)\.[\w.]+(: \w+)?", word):
            wrong += [word] if not any(has(one, word.partition(":")[0]) for one in charts) else []
    for name in set(re.findall(r"\bSLIPWAY_([A-Z_]+)\b", TEXT)):
        if not name.startswith(("E2E_", "TEST_")) and name.lower() not in Settings.model_fields:
            wrong.append(f"SLIPWAY_{name}")
    assert wrong == []


def test_the_versions_are_those_that_the_roles_look_for() -> None:
    for role, pattern in (
        ("argo_workflows", r"argo-workflows/releases/download/v([\d.]+)/"),
        ("argo_cd", r"argo-cd/v([\d.]+)/"),
        ("argo_events", r"argo-events/v([\d.]+)/"),
    ):
        wanted = yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text())[f"{role}_version"]
        (version,) = re.findall(pattern, TEXT)
        assert version.startswith(f"{wanted}."), role
        assert f"| {version} |" in TEXT, f"{version} of {role} was not seen on a cluster"
    assert "registry:3.0.0" in TEXT
    assert values_of("platform")["registry"]["image"]["tag"] == "3.0.0"


def test_the_walk_is_a_script_that_bash_can_read(tmp_path: Path) -> None:
    script = tmp_path / "walk.sh"
    script.write_text(walk())
    done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "docker rm" not in script.read_text(), "the walk does not remove what it made"


def test_links_within_the_page_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", TEXT, flags=re.S), re.M)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) <= anchors
    for page in re.findall(r"\]\(([\w-]+\.md)", TEXT):
        assert (PAGE.parent / page).exists(), page
