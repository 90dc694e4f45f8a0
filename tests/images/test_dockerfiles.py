"""What can be known of the images without building them."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from images.dockerfiles import copied, copies, instructions, last_stage
from sampling import for_acceptance
from workflows.report.stored_release import workflow

from slipway_steps.settings import PROJECT_ROOT
from slipway_workflows.step import IMAGES

LIBRARIES = ("numpy", "onnxruntime")
"""What the handler that the training program packs imports, as images/train/handler_files.py has it."""
NAMES = ("app", "handler", "mlflow", "steps", "train")
LOCK = PROJECT_ROOT / "requirements.lock"


def pins(path: Path) -> dict[str, str]:
    lines = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", path.read_text(), re.M)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in lines}


@pytest.mark.parametrize("name", NAMES)
def test_every_copied_path_exists(name: str) -> None:
    for line in instructions(name):
        if line[0] == "COPY" and not line[1].startswith("--from"):
            for source in line[1].split()[:-1]:
                assert list(PROJECT_ROOT.glob(source)), source


@pytest.mark.parametrize("name", NAMES)
def test_the_base_is_a_full_version_and_no_digest_is_made_up(name: str) -> None:
    arguments = dict(line[1].split("=", 1) for line in instructions(name) if line[0] == "ARG")
    assert re.search(r":\d+\.\d+\.\d+-", arguments["PYTHON_IMAGE"])
    assert arguments["PYTHON_DIGEST"] == ""
    assert [line[1].split()[0] for line in instructions(name) if line[0] == "FROM"] == [
        "${PYTHON_IMAGE}${PYTHON_DIGEST:+@${PYTHON_DIGEST}}"
    ] * 2


@pytest.mark.parametrize("name", NAMES)
def test_the_last_stage_builds_nothing_and_is_not_root(name: str) -> None:
    stage = last_stage(name)
    assert [line for line in stage if line[0] == "RUN"] == []
    (user,) = (line[1] for line in stage if line[0] == "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert any(line[0] == "LABEL" and "org.opencontainers.image.revision" in line[1] for line in stage)


@pytest.mark.parametrize("name", ["app", "mlflow"])
def test_an_image_that_serves_has_a_health_check(name: str) -> None:
    assert any(line[0] == "HEALTHCHECK" for line in last_stage(name))


@pytest.mark.parametrize("name", ["app", "handler", "steps", "train"])
def test_pins_are_those_of_the_lock(name: str) -> None:
    locked = pins(LOCK)
    own = pins(PROJECT_ROOT / "images" / name / "requirements.lock")
    assert own
    assert {key: version for key, version in own.items() if locked.get(key) != version} == {}


def test_the_chart_runs_what_its_image_holds() -> None:
    own = pins(PROJECT_ROOT / "images" / "mlflow" / "requirements.lock")
    assert own["mlflow"] == pins(LOCK)["mlflow-skinny"]
    assert {"boto3", "psycopg2-binary", "uvicorn"} <= set(own)
    template = (PROJECT_ROOT / "charts" / "platform" / "templates" / "mlflow.yaml").read_text()
    for program in ("bucket.py", "log_bucket.py"):
        (target,) = (target for sources, target in copies("mlflow") if sources[0].name == program)
        assert f"command: [python, {target}]" in template


def test_only_training_has_torch() -> None:
    assert "torch" in pins(PROJECT_ROOT / "images" / "train" / "requirements.lock")
    for name in ("app", "handler", "steps"):
        assert "torch" not in pins(PROJECT_ROOT / "images" / name / "requirements.lock")


ONLY = PROJECT_ROOT / "tests" / "only_packages.py"


def imports_checked(name: str) -> list[str]:
    """The arguments of imports.py in a Dockerfile."""
    command = instructions(name)[: -len(last_stage(name))][-1][1].split()
    arguments = command[command.index("/build/imports.py") + 1 :]
    return arguments[: arguments.index("&&")] if "&&" in arguments else arguments


@pytest.mark.parametrize("name", ["app", "steps", *map(for_acceptance, ("handler", "mlflow", "train"))])
def test_a_lock_is_enough_for_every_import(name: str, tmp_path: Path) -> None:
    """Also for what libraries import by themselves: `mlflow.models` has no ModelSignature without pandas."""
    if name == "mlflow" and importlib.util.find_spec("boto3") is None:
        pytest.skip("boto3 is not installed; the build of the image asks the same")
    lock = PROJECT_ROOT / "images" / name / "requirements.lock"
    tree = copied(name, tmp_path)
    arguments = [f"{tree}{one}" if one.startswith("/") else one for one in imports_checked(name)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", ONLY, lock, PROJECT_ROOT / "images" / "imports.py", *arguments],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{tree}/app/steps:{tree}/app/workflows",
            "ORT_DISABLE_TELEMETRY": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_train_image_writes_the_report_of_a_release(tmp_path: Path) -> None:
    """From the tree and the packages of the image alone."""
    tree = copied("train", tmp_path / "tree")
    given = {"workflow": workflow("slow"), "phase": "Failed", "reports": [], "environments": {}}
    (tmp_path / "release.json").write_text(json.dumps(given))
    program = tree / "app" / "workflows" / "slipway_workflows" / "report" / "__main__.py"
    lock = PROJECT_ROOT / "images" / "train" / "requirements.lock"
    done = subprocess.run(
        [sys.executable, ONLY, lock, program, tmp_path / "release.json", tmp_path / "report.html"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{tree}/app/steps:{tree}/app/workflows"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("name", NAMES)
def test_a_build_ends_by_importing_all_code_of_the_image(name: str) -> None:
    arguments = imports_checked(name)
    checked = arguments[: arguments.index("--without")] if "--without" in arguments else arguments
    code = {target for _, target in copies(name) if not target.endswith((".lock", "/build/"))}
    assert all(any(target.startswith(directory) for directory in checked) for target in code), (checked, code)


@pytest.mark.parametrize("name", ["handler", "steps", "train"])
def test_no_step_that_an_image_runs_is_left_out_of_that(name: str) -> None:
    arguments = imports_checked(name)
    left_out = arguments[arguments.index("--without") + 1 :]
    run = set()
    for path in (PROJECT_ROOT / "workflows" / "manifests").glob("*.yaml"):
        for template in yaml.safe_load(path.read_text()).get("spec", {}).get("templates", []):
            container = template.get("container", {})
            if container.get("image", "").startswith(f"slipway/{name}:"):
                run.add(container["args"][0])
    assert run
    assert not {f"release/{step}.py" for step in run} & {*left_out}, run


def test_what_cannot_be_imported_is_said_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def later():\n    import no_such_module\n    from json import no_such_name\n")
    (tmp_path / "b.py").write_text("import a\n")

    def imported(*without: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, PROJECT_ROOT / "images" / "imports.py", tmp_path, *without]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = imported()
    assert done.returncode == 1
    assert "a.py: import no_such_module: ModuleNotFoundError" in done.stderr
    assert "cannot import name 'no_such_name'" in done.stderr
    assert "b.py" not in done.stderr
    assert imported("--without", "a.py").stdout == "1 imports work\n"
    done = imported("--without", "a.py", "no/such.py")
    assert done.returncode == 1
    assert done.stderr == "--without no/such.py: there is no such file\n"


def test_the_toolkit_is_built_from_source_in_the_first_stage() -> None:
    """It has no wheel in any index, and nothing else may be built."""
    commands = [part for line in instructions("handler") if line[0] == "RUN" for part in line[1].split(" && ")]
    (wheel,) = (part for part in commands if "pip wheel" in part)
    assert "--no-deps" in wheel
    assert "sagemaker-inference" in wheel
    installs = [part for part in commands if "pip install" in part]
    assert len(installs) == 2
    assert all("--only-binary=:all:" in part for part in installs)
    assert "--find-links=/wheels" in installs[0]
    assert "--constraint=/requirements.lock ${HANDLER_REQUIREMENTS}" in " ".join(installs[1].split())


def test_the_client_of_kubeflow_is_built_from_the_source_of_its_hash() -> None:
    """It has no wheel in any index either; it is built by the pinned setuptools, and not by whichever is the newest."""
    lines = (PROJECT_ROOT / "images" / "train" / "requirements.lock").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("kfp-server-api=="))
    assert re.fullmatch(r"\S+ --hash=sha256:[0-9a-f]{64}", line)
    assert any(line.startswith("setuptools==") for line in lines)
    commands = [part for line in instructions("train") if line[0] == "RUN" for part in line[1].split(" && ")]
    (install,) = (part for part in commands if "pip install" in part and "--only-binary" not in part)
    assert {"--no-deps", "--no-build-isolation", "--require-hashes", "/source"} <= set(install.split())
    assert "grep '^kfp-server-api==' /requirements.lock > /source" in " ".join(" ".join(commands).split())
    arguments = imports_checked("train")
    assert not [name for name in arguments[arguments.index("--without") :] if "targets" in name]


def test_the_image_that_tests_handlers_holds_what_the_shipped_one_imports() -> None:
    own = pins(PROJECT_ROOT / "images" / "handler" / "requirements.lock")
    training = pins(PROJECT_ROOT / "images" / "train" / "requirements.lock")
    for name in LIBRARIES:
        assert own[name] == training[name], "code/requirements.txt names what training has"
    assert {"sagemaker-inference", "multi-model-server"} <= set(own)


def test_its_lock_is_enough_for_the_toolkit_and_the_shipped_handler(trained_package: Path) -> None:
    """What the child of the test imports, which the build of the image imports by a line of its own."""
    lock = PROJECT_ROOT / "images" / "handler" / "requirements.lock"
    child = PROJECT_ROOT / "steps" / "slipway_steps" / "adapters" / "handlers" / "programs" / "handler_child.py"
    program = "import runpy, sys; [runpy.run_path(one, run_name='imported') for one in sys.argv[1:]]"
    command = [sys.executable, "-W", "ignore", ONLY, lock, "/dev/stdin", child, trained_package / "code/inference.py"]
    alone = {"PATH": os.environ["PATH"], "PYTHONPATH": str(child.parent), "ORT_DISABLE_TELEMETRY": "1"}
    alone["PYTHONDONTWRITEBYTECODE"] = "1"  # the package is that of all tests
    done = subprocess.run(command, input=program, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_torch_is_built_for_the_cpu_unless_told_otherwise() -> None:
    """A wheel for CUDA without its libraries cannot be imported, so dependencies are never left out."""
    arguments = dict(line[1].split("=", 1) for line in instructions("train") if line[0] == "ARG")
    assert arguments["TORCH_INDEX_URL"].endswith("/cpu")
    commands = [part for line in instructions("train") if line[0] == "RUN" for part in line[1].split(" && ")]
    (install,) = (part for part in commands if "pip install" in part and "/torch" in part)
    assert "--no-deps" not in install
    assert '${TORCH_INDEX_URL:+--extra-index-url "${TORCH_INDEX_URL}"}' in install


@pytest.mark.parametrize("name", ["app", "handler", "steps", "train"])
def test_onnx_runtime_reports_to_nobody(name: str) -> None:
    (settings,) = (line[1] for line in last_stage(name) if line[0] == "ENV")
    assert "ORT_DISABLE_TELEMETRY=1" in settings.split()


@pytest.mark.parametrize("name", ["handler", "steps", "train"])
def test_the_entry_point_starts_from_what_is_copied(name: str, tmp_path: Path) -> None:
    """The tree of the image, and nothing else of this checkout."""
    copied(name, tmp_path)
    code = (
        "import sys; import slipway_steps.entry as e, slipway_steps.settings as s\n"
        "assert str(s.PROJECT_ROOT) == sys.argv[1], s.PROJECT_ROOT\n"
        "e.load_step('deploy'); heavy = {'torch', 'mlflow', 'locust', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "sys.exit(e.main(['no-such-step']))"
    )
    app = tmp_path / "app"
    found = subprocess.run(
        [sys.executable, "-c", code, str(app)],
        cwd=app,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(app / "steps")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "unknown step" in found.stderr, found.stderr
    assert found.returncode == 1
    if name == "train":
        assert (app / "images" / "train" / "train.py").is_file()


def test_the_manifests_name_these_images() -> None:
    named = {image.partition(":")[0] for image in IMAGES.values()}
    assert named == {"slipway/handler", "slipway/steps", "slipway/train"}


def test_only_what_is_copied_reaches_the_build() -> None:
    lines = (PROJECT_ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    allowed = [line[1:] for line in lines if line.startswith("!")]
    for name in NAMES:
        for sources, _ in copies(name):
            for source in sources:
                relative = source.relative_to(PROJECT_ROOT).as_posix()
                assert any(relative.startswith(one) for one in allowed), relative
