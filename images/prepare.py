"""Makes the Python of an image small and quick to start.

    python prepare.py STANDARD_LIBRARY CODE...

From the packages of this Python what no image runs is removed; the rest and the CODE directories are compiled. Shared
libraries lose the symbols that only debuggers read. The compiled standard library, which official slim images lack, is
written below STANDARD_LIBRARY under its full path: it is to be copied to the root of the image.
"""

import compileall
import re
import shutil
import struct
import sys
import sysconfig
from pathlib import Path
from py_compile import PycInvalidationMode

CHECKED, UNCHECKED = PycInvalidationMode.CHECKED_HASH, PycInvalidationMode.UNCHECKED_HASH

UNUSED = (
    # tests, and what only compilers, type checkers and debuggers read
    "**/test",
    "**/tests",
    "**/*.pyi",
    "**/*.pxd",
    "**/*.pyx",
    "**/*.h",
    "**/*.hpp",
    "**/*.c",
    "**/*.cpp",
    "**/*.a",
    "**/*.js.map",
    "**/*.css.map",
    # an asynchronous copy of the whole client
    "kubernetes/aio",
    # programs in C link this one; what Python imports has all of it inside
    "onnxruntime/capi/libonnxruntime.so*",
    # MLflow looks whether there is such a package; only releases to Databricks would call its services
    "databricks/sdk/service",
    # converters of models; the runtime imports none of them
    "onnxruntime/transformers",
    "onnxruntime/tools",
    "onnxruntime/quantization",
    # test data, and an implementation in Python
    "onnx/backend",
    "onnx/reference",
    # headers, tests in C++ and the compiler of protocol buffers; training with workers needs torch_shm_manager
    "torch/include",
    "torch/bin/*[Tt]est*",
    "torch/bin/protoc*",
    "torch/lib/*_test.so",
    "torch/lib/libbackend_with_compiler.so",
    "torch/lib/libshm_windows",
    # pictures for examples
    "matplotlib/mpl-data/sample_data",
)
"""Patterns below site-packages."""
MUCH = 1_000_000
"""Bytes; smaller libraries are left as they are."""
NEVER_RUN = re.compile(r"/(ensurepip|idlelib|lib2to3|test|tests|tkinter|turtledemo|site-packages|dist-packages)/")
"""Directories of the standard library."""


def prune(packages: Path) -> int:
    """Remove what is unused; returns how many bytes. Licences of a package stay, whatever their directory is called."""
    removed = 0
    for pattern in UNUSED:
        for path in sorted(packages.glob(pattern)):
            if path.relative_to(packages).parts[0].endswith(".dist-info"):
                continue
            if path.is_dir() and not path.is_symlink():
                removed += sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
                shutil.rmtree(path)
            elif path.is_symlink() or path.exists():  # else it went with its directory
                removed += path.lstat().st_size
                path.unlink()
    return removed


def strip(library: Path) -> int:
    """Cut off what follows the segments of a shared library, if it is much; returns how many bytes.

    These are section headers, and the symbols of an unstripped library: 90 MB in torch. A program is loaded by its
    segments alone. A slim base has no `strip`.
    """
    with library.open("r+b") as file:
        header = bytearray(file.read(64))
        if header[:6] != b"\x7fELF\x02\x01":  # 64 bits, little endian
            return 0
        at, size, number = *struct.unpack_from("<Q", header, 32), *struct.unpack_from("<HH", header, 54)
        file.seek(at)
        table = file.read(size * number)
        segments = (struct.unpack_from("<QQQQ", table, entry * size + 8) for entry in range(number))
        end = max(offset + stored for offset, _, _, stored in segments)
        removed = file.seek(0, 2) - end
        if removed < MUCH:
            return 0
        file.truncate(end)
        struct.pack_into("<Q", header, 40, 0)  # where the section headers begin
        struct.pack_into("<HHH", header, 58, 0, 0, 0)  # their size, their number, the one of their names
        file.seek(0)
        file.write(header)
    return removed


def compile_standard_library(target: Path) -> None:
    """Compile it where it is, and copy the results below `target`."""
    library = Path(sysconfig.get_path("stdlib"))
    compileall.compile_dir(library, force=True, rx=NEVER_RUN, quiet=2, invalidation_mode=UNCHECKED)
    for found in library.rglob("__pycache__"):
        if not NEVER_RUN.search(str(found)):
            shutil.copytree(found, target / found.relative_to(found.anchor), dirs_exist_ok=True)


def main() -> None:
    """Prepare the tree that the arguments name, as the text at the top of this file says."""
    standard_library, *code = map(Path, sys.argv[1:])
    packages = Path(sysconfig.get_path("purelib"))
    removed = prune(packages)
    removed += sum(strip(path) for path in packages.rglob("*.so*") if path.is_file() and not path.is_symlink())
    print(f"{removed / 1e6:.0f} MB of packages removed")
    # By hash and not by time: a builder that rewrites the times of files would make every compiled file stale. Nobody
    # edits a library inside an image; our own code may be replaced by an image built on this one, and is compared.
    # Templates inside of libraries are no Python and stay as they are.
    compileall.compile_dir(packages, force=True, quiet=2, invalidation_mode=UNCHECKED)
    compile_standard_library(standard_library)
    for directory in code:
        if not compileall.compile_dir(directory, force=True, quiet=1, invalidation_mode=CHECKED):
            sys.exit(f"error: {directory} cannot be compiled; see above")


if __name__ == "__main__":
    main()
