"""What images/prepare.py removes and compiles."""

import importlib.util
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode
from types import ModuleType

import pytest

from slipway_steps.settings import PROJECT_ROOT


@pytest.fixture
def prepare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prepare", PROJECT_ROOT / "images" / "prepare.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_what_no_image_runs_is_removed_and_licences_stay(prepare: ModuleType, tmp_path: Path) -> None:
    kept = {
        "numpy/testing/utils.py",
        "numpy/core.py",
        "torch/bin/torch_shm_manager",
        "torch/lib/libtorch.so",
        "torch-2.dist-info/licenses/third_party/json/test/LICENSE",
        "onnxruntime/capi/onnxruntime_pybind11_state.so",
        "kubernetes/client/api.py",
    }
    removed = {
        "numpy/tests/test_core.py",
        "numpy/core.pyi",
        "torch/bin/test_api",
        "torch/bin/FileStoreTest",
        "torch/lib/libtorchbind_test.so",
        "torch/include/deep/inside.h",
        "onnxruntime/capi/libonnxruntime.so.1.31.1",
        "kubernetes/aio/client/api.py",
    }
    write(tmp_path, *kept, *removed)
    (tmp_path / "torch" / "include" / "link.h").symlink_to(tmp_path / "torch" / "include" / "deep" / "inside.h")
    size = prepare.prune(tmp_path)
    assert files(tmp_path) == kept
    assert size >= len(removed) * len("x = 1\n")


def test_the_standard_library_is_compiled_under_its_own_path(
    prepare: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "usr" / "lib" / "python3.11"
    write(library, "json/decoder.py", "argparse.py", "test/regrtest.py", "site-packages/pip/main.py")
    monkeypatch.setattr(prepare.sysconfig, "get_path", {"stdlib": str(library)}.__getitem__)
    prepare.compile_standard_library(tmp_path / "out")
    found = files(tmp_path / "out" / library.relative_to("/"))
    tag = sys.implementation.cache_tag
    assert found == {f"json/__pycache__/decoder.{tag}.pyc", f"__pycache__/argparse.{tag}.pyc"}


def test_compiled_files_hold_when_a_builder_rewrites_times(tmp_path: Path) -> None:
    """`build-images` sets all times to 0. A file compiled by time would be read from source at every start."""
    write(tmp_path, "app/ours.py", "packages/theirs.py")
    # as pip leaves it
    py_compile.compile(str(tmp_path / "packages" / "theirs.py"), invalidation_mode=PycInvalidationMode.TIMESTAMP)
    code = (
        "import runpy, sys, sysconfig\n"
        "sysconfig.get_path = {'stdlib': 'none', 'purelib': 'packages'}.__getitem__\n"
        "sys.argv = ['', 'out', 'app']\n"
        f"runpy.run_path({str(PROJECT_ROOT / 'images' / 'prepare.py')!r}, run_name='__main__')"
    )
    (tmp_path / "none").mkdir()
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    flags = {}
    for name in ("app/ours", "packages/theirs"):
        (compiled,) = (tmp_path / name).parent.glob("__pycache__/*.pyc")
        flags[name] = int.from_bytes(compiled.read_bytes()[4:8], "little")
    # PEP 552: 0b11 compares the source with a hash, 0b01 takes the file as it is, 0 compares times
    assert flags == {"app/ours": 0b11, "packages/theirs": 0b01}


def test_a_library_without_its_symbols_is_loaded_as_before(prepare: ModuleType, tmp_path: Path) -> None:
    import psutil._psutil_linux as native

    library = tmp_path / "native.so"
    shutil.copy(native.__file__, library)
    before = library.stat().st_size
    assert prepare.strip(library) == 0, "little is left as it is"
    with library.open("ab") as file:
        file.write(bytes(prepare.MUCH))
    assert prepare.strip(library) >= prepare.MUCH
    assert library.stat().st_size <= before
    code = f"import ctypes; print(ctypes.CDLL({str(library)!r}).PyInit__psutil_linux)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "_FuncPtr" in done.stdout, done.stderr
    text = tmp_path / "linker_script.so"
    text.write_text("INPUT(libother.so.1)")
    assert prepare.strip(text) == 0
