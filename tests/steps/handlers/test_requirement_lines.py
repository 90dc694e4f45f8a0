"""What code/requirements.txt names, line by line."""

from pathlib import Path

import pytest

from slipway_steps.handlers.requirement_lines import FILE, brings, normalized, required, unpinned


def package(directory: Path, lines: str) -> Path:
    (directory / "code").mkdir()
    (directory / FILE).write_text(lines)
    return directory


@pytest.mark.parametrize(
    ("lines", "module", "expected"),
    [
        ("scikit-learn==1.5\n", "sklearn", True),
        ("opencv-python-headless==4.9 # images\n", "cv2", True),
        ("Tensor_Engine==2\n", "tensor_engine", True),
        ("tensor==2\n", "tensor_engine", False),
        ("pyyaml[extra]>=6; python_version > '3'\n", "yaml", True),
        ("-r more.txt\n", "anything", True),
        ("git+https://example.com/x.git\n", "anything", True),
        ("./wheels/x.whl\n", "anything", True),
        ("# nothing\n--no-index\n", "anything", False),
    ],
)
def test_requirements_bring_modules(tmp_path: Path, lines: str, module: str, expected: bool) -> None:
    assert brings(required(package(tmp_path, lines)), module) is expected


def test_no_file_requires_nothing(tmp_path: Path) -> None:
    assert required(tmp_path) == frozenset()
    assert list(unpinned(tmp_path)) == []


@pytest.mark.parametrize(
    ("line", "pinned"),
    [
        ("numpy==2.1", True),
        ("numpy===2.1", True),
        ("numpy @ file:///w/numpy.whl", True),
        ("https://example.com/numpy.whl", True),
        ("-r more.txt", True),
        ("# numpy", True),
        ("", True),
        ("numpy", False),
        ("numpy>=2", False),
        ("numpy~=2.1 # not numpy==2.1", False),
    ],
)
def test_a_line_that_lets_pip_choose_is_told(tmp_path: Path, line: str, pinned: bool) -> None:
    told = [(one.code, str(one.place)) for one in unpinned(package(tmp_path, f"\n{line}\n"))]
    assert told == ([] if pinned else [("unpinned", f"{FILE}:2")])


def test_names_are_compared_as_packaging_compares_them() -> None:
    assert normalized("Zope.Interface__x") == "zope-interface-x"
