"""The samples of a handler are read from a directory, and a fault in what is said of them is named."""

import json
import os
from pathlib import Path

import pytest

from slipway_steps.domain.errors import BadInput
from slipway_steps.domain.handler import CSV, JSON, InferenceTestSample
from slipway_steps.handlers.samples import ignored_files, load_samples


def write(directory: Path, *names: str) -> None:
    for name in names:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(name.encode())


def told(directory: Path, expectations: object) -> Path:
    (directory / "samples.json").write_text(expectations if isinstance(expectations, str) else json.dumps(expectations))
    return directory


def refused(directory: Path) -> str:
    with pytest.raises(BadInput) as caught:
        load_samples(directory)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_content_type_follows_from_the_suffix(tmp_path: Path) -> None:
    suffixes = {
        "json": "application/json",
        "jsonl": "application/jsonlines",
        "CSV": "text/csv",
        "parquet": "application/x-parquet",
        "npy": "application/x-npy",
        "npz": "application/x-npz",
        "png": "image/png",
        "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "txt": "text/plain",
        "bin": "application/octet-stream",
    }
    write(tmp_path, *(f"one.{suffix}" for suffix in suffixes), "README.md", "notes", ".hidden.json", ".git/a.json")
    assert {sample.sample_name: sample.content_type for sample in load_samples(tmp_path)} == {
        f"one.{suffix}": content_type for suffix, content_type in suffixes.items()
    }
    assert ignored_files(tmp_path) == ["README.md", "notes"]


def test_samples_are_in_the_order_of_their_names_with_their_bodies(tmp_path: Path) -> None:
    write(tmp_path, "b.json", "a/c.json", "negative/d.csv", "B.json")
    samples = load_samples(tmp_path)
    assert [sample.sample_name for sample in samples] == ["B.json", "a/c.json", "b.json", "negative/d.csv"]
    assert [sample.data for sample in samples] == [b"B.json", b"a/c.json", b"b.json", b"negative/d.csv"]
    assert [sample.should_succeed for sample in samples] == [True, True, True, False]


def test_directories_tell_the_type_where_no_suffix_does(tmp_path: Path) -> None:
    write(tmp_path, "csv_samples/one", "json_samples/two.dat", "json_samples/three.csv", "json_samples/negative/four")
    assert [(sample.content_type, sample.should_succeed) for sample in load_samples(tmp_path)] == [
        ("text/csv", True),
        ("application/json", False),
        ("text/csv", True),
        ("application/json", True),
    ]


def test_an_empty_directory_has_none(tmp_path: Path) -> None:
    assert load_samples(tmp_path) == []
    assert ignored_files(tmp_path) == []


def test_samples_json_says_more_of_each(tmp_path: Path) -> None:
    write(tmp_path, "good.json", "bad.json", "teapot.json", "wrong.dat", "negative/fine.json")
    told(
        tmp_path,
        {
            "good.json": {"accept": "text/csv", "expect": [1.5, None]},
            "bad.json": {"error_pattern": "no rows?"},
            "teapot.json": {"status": 418},
            "wrong.dat": {"content_type": "application/octet-stream", "status": 201},
            "negative/fine.json": {"should_succeed": True},
        },
    )
    bad, good, fine, teapot, wrong = load_samples(tmp_path)
    assert (good.accept, good.expect, good.should_succeed) == ("text/csv", [1.5, None], True)
    assert (bad.error_pattern, bad.should_succeed) == ("no rows?", False)
    assert (teapot.status, teapot.should_succeed) == (418, False)
    assert wrong == InferenceTestSample(
        sample_name="wrong.dat", content_type="application/octet-stream", path=tmp_path / "wrong.dat", status=201
    )
    assert fine.should_succeed
    assert ignored_files(tmp_path) == []


@pytest.mark.parametrize(
    ("expectations", "text"),
    [
        ({"gone.json": {}}, "names 'gone.json', which is no file there"),
        ({"samples.json": {}}, "names 'samples.json', which is no file there"),
        ({"one.json": {"should_suceed": True}}, "one.json: should_suceed: Extra inputs are not permitted"),
        ({"one.json": {"error_pattern": "("}}, "one.json: error_pattern: Value error, '(' is not a regular expression"),
        ({"one.json": {"status": "400"}}, "one.json: status: Input should be a valid integer"),
        ({"one.json": {"status": 999}}, "one.json: status: Input should be less than or equal to 599"),
        ({"one.json": {"should_succeed": True, "error_pattern": "x"}}, "one.json: it should succeed, and has"),
        ({"one.json": {"should_succeed": True, "status": 500}}, "one.json: it should succeed, and has"),
        ({"one.json": []}, "one.json: Input should be"),
        ([], "samples.json: Input should be a valid dictionary"),
        ('{"one.json": {}, "one.json": {}}', "is not valid JSON: the name 'one.json' comes twice"),
        ("{", "is not valid JSON: Expecting property name"),
        ("[" * 100_000, "is not valid JSON: maximum recursion depth exceeded"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, expectations: object, text: str) -> None:
    write(tmp_path, "one.json")
    assert text in refused(told(tmp_path, expectations))


def test_samples_json_that_is_no_text_or_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "samples.json").write_bytes(b"\xff\xfe")
    assert "samples.json is not valid JSON" in refused(tmp_path)
    (tmp_path / "samples.json").unlink()
    (tmp_path / "samples.json").mkdir()
    assert "samples.json cannot be read: Is a directory" in refused(tmp_path)


def test_links_may_not_lead_out(tmp_path: Path) -> None:
    write(tmp_path, "outside.json", "samples/inside.json", "samples/sub/a.json")
    samples = tmp_path / "samples"
    (samples / "same.json").symlink_to("inside.json")
    (samples / "again").symlink_to("sub")
    assert [sample.sample_name for sample in load_samples(samples)] == ["inside.json", "same.json", "sub/a.json"]
    for target in ("../outside.json", "..", "/etc", "nowhere-at-all/../../outside.json"):
        (samples / "link").symlink_to(target)
        assert "link is a link that leads out of" in refused(samples)
        (samples / "link").unlink()
    (samples / "dangling.json").symlink_to("nowhere.json")
    assert "dangling.json is no regular file" in refused(samples)


def test_what_is_no_directory_or_no_file_is_named(tmp_path: Path) -> None:
    assert "gone are not a directory" in refused(tmp_path / "gone")
    write(tmp_path, "file")
    assert "file are not a directory" in refused(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe.json")
    assert "pipe.json is no regular file" in refused(tmp_path)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("csv_samples/c.txt", CSV),
        ("json_samples/deep/c.bin", JSON),
        ("csv_samples/c.json", JSON),
        ("csv_samples/c.dat", CSV),
        ("c.txt", "text/plain"),
        ("other/c.bin", "application/octet-stream"),
    ],
)
def test_the_directory_decides_where_the_suffix_tells_too_little(tmp_path: Path, name: str, content_type: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("1")
    assert [one.content_type for one in load_samples(tmp_path)] == [content_type]
