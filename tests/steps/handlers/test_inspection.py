"""What the files of a package show before anything of it runs."""

from pathlib import Path

import pytest

from slipway_steps.handlers.inspection import function_faults, inspect_package


def package(directory: Path, **files: str) -> Path:
    """Write a package: `inference` is code/inference.py, other names are files of code/ with `__` for a slash."""
    for name, text in files.items():
        path = directory / "code" / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


def codes(directory: Path) -> list[tuple[str, int]]:
    return [(one.code, one.place.line if one.place else 0) for one in inspect_package(directory).faults]


def test_a_package_without_code_has_no_handler(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("")
    found = inspect_package(tmp_path)
    assert (found.handler, found.faults) == (False, [])


def test_a_package_named_inference_is_a_handler(tmp_path: Path) -> None:
    (tmp_path / "code" / "inference").mkdir(parents=True)
    (tmp_path / "code" / "inference" / "__init__.py").write_text("import tensor_engine\n")
    found = inspect_package(tmp_path)
    assert (found.handler, found.faults) == (True, [])
    assert str(found.imports["tensor_engine"]) == "code/inference/__init__.py:1"


@pytest.mark.parametrize(
    "line",
    [
        '"""Reads /opt/ml/model."""',
        'd = __import__("os").environ.get("SM_MODEL_DIR", "/opt/ml/model")',
        'def model_fn(model_dir="/opt/ml/model"): pass',
        'd = "/opt/ml/model" if __import__("os").path.exists("/opt/ml/model") else "."',
        'if __name__ == "__main__":\n    print("/opt/ml/model")',
    ],
)
def test_the_path_of_the_container_may_be_a_default_or_documentation(tmp_path: Path, line: str) -> None:
    assert codes(package(tmp_path, inference=line + "\n")) == []


def test_the_path_of_the_container_in_a_helper_is_found(tmp_path: Path) -> None:
    made = package(
        tmp_path, inference="from tools import paths\n", tools____init__="", tools__paths='\nA = "/opt/ml/model/a"\n'
    )
    (fault,) = inspect_package(made).faults
    assert (fault.code, str(fault.place)) == ("fixed-path", "code/tools/paths.py:2")


def test_files_that_nothing_imports_do_not_matter(tmp_path: Path) -> None:
    made = package(tmp_path, inference="A = 1\n", train='import tensor_engine\nprint "old"\n')
    assert codes(made) == []
    assert inspect_package(made).imports == {}


def test_a_file_that_is_no_python_is_found_where_it_is_imported(tmp_path: Path) -> None:
    made = package(
        tmp_path, inference="import importlib\nm = importlib.import_module('old')\n", old='x = 1\nprint "old"\n'
    )
    assert codes(made) == [("syntax", 2)]


def test_nul_bytes_are_a_syntax_fault(tmp_path: Path) -> None:
    assert codes(package(tmp_path, inference="a = 1\0\n")) == [("syntax", 1)]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ('ValueError("Größe")', ["non-ascii-error"]),
        ('BaseInferenceToolkitError(400, "Größe", "size")', []),
        ('BaseInferenceToolkitError(400, "size", phrase="Größe")', ["non-ascii-error"]),
        ('errors.BaseInferenceToolkitError("400", "size", "size")', ["status-not-number"]),
        ('BaseInferenceToolkitError(status_code=400.0, message="a", phrase="a")', ["status-not-number"]),
        ("KeyError(name)", []),
    ],
)
def test_errors_that_the_server_cannot_send(tmp_path: Path, error: str, expected: list[str]) -> None:
    made = package(tmp_path, inference=f"def predict_fn(data, model):\n    raise {error}\n")
    assert codes(made) == [(code, 2) for code in expected]


def test_an_exception_as_an_answer_and_a_second_load_are_found(tmp_path: Path) -> None:
    text = "def predict_fn(data, model):\n    try:\n        return model_fn('.')\n"
    text += "    except Exception as e:\n        return {'Error': str(e)}\n"
    found = function_faults(inspect_package(package(tmp_path, inference=text)).source)
    assert {(one.code, one.place.line) for one in found if one.place} == {("reloads", 3), ("error-as-200", 5)}
