"""What a test of a handler says of its samples."""

from pathlib import Path

import pytest

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import InferenceHandlerSpec
from slipway_steps.handlers.pipeline import test_inference_pipeline as run_test
from slipway_steps.handlers.session import open_handler


def spec(tmp_path: Path, samples: Path | None = None) -> InferenceHandlerSpec:
    return InferenceHandlerSpec.create_default("h", "Registration", tmp_path / "package", samples)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "package" / "payloads").mkdir(parents=True)
    (tmp_path / "package" / "model.bin").write_bytes(b"x")
    return tmp_path / "package"


def test_files_that_are_no_samples_are_named(tmp_path: Path, package: Path) -> None:
    for name in ("README.md", "one.json", "a.xml", "b.xml", "c.xml"):
        (package / "payloads" / name).write_text("[1]")
    notes = run_test(spec(tmp_path), store=tmp_path / "store").notes
    assert notes[0] == (
        "no samples, as the suffix tells no content type: README.md, a.xml, b.xml and 1 more; samples.json may tell it"
    )


def test_samples_that_are_given_come_before_those_of_the_package(tmp_path: Path, package: Path) -> None:
    (package / "payloads" / "one.json").write_text("[1]")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "two.json").write_text("[2]")
    with open_handler(spec(tmp_path), tmp_path / "store") as session:
        assert [sample.sample_name for sample in session.samples] == ["one.json"]
    with open_handler(spec(tmp_path, tmp_path / "other"), tmp_path / "store") as session:
        assert [sample.sample_name for sample in session.samples] == ["two.json"]
    with (
        open_handler(spec(tmp_path, tmp_path / "gone"), tmp_path / "store") as session,
        pytest.raises(BadInput, match=r"there is no directory of samples .*gone"),
    ):
        assert session.samples
