"""Samples are found out for packages of which nothing is known, and the packages that tests use are valid."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from handler_packages import PACKAGES, REQUESTS, make_package
from sampling import sampled

from slipway_steps.adapters.handlers.answer import Request
from slipway_steps.domain.errors import BadInput, Broken
from slipway_steps.domain.handler import CSV, JSON, InferenceHandlerSpec
from slipway_steps.handlers import generate
from slipway_steps.handlers.generate import generate_samples
from slipway_steps.handlers.rows import answer_rows, row_count
from slipway_steps.handlers.samples import load_samples
from slipway_steps.handlers.session import HandlerSession, open_handler

Open = Callable[..., HandlerSession]


@pytest.fixture(params=sampled(PACKAGES, 4), scope="module")
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HandlerSession]:
    """One of the packages, with its handler loaded."""
    directory = tmp_path_factory.mktemp(request.param)
    package = make_package(request.param, directory / "package")
    spec = InferenceHandlerSpec.create_default(request.param, "Registration", package)
    with open_handler(spec, directory / "store") as opened:
        assert opened.load().loaded
        yield opened


def test_a_package_answers_all_types_and_refuses_the_rest(session: HandlerSession) -> None:
    bodies = REQUESTS[session.spec.handler_name]
    types = [(sent, accept) for sent in (JSON, CSV) for accept in (JSON, CSV)]
    good = [Request(f"{sent} {accept}", sent, accept, body=bodies[sent]) for sent, accept in types]
    charset = Request("charset", f"{JSON}; charset=utf-8", JSON, body=bodies[JSON])
    garbage = [
        (JSON, b'{"garbage": '),
        (JSON, b""),
        (JSON, b"[]"),
        (JSON, b"[[NaN]]"),
        (JSON, b'[{"no": "such"}]'),
        (CSV, b""),
        (CSV, b'garbage,"\x01not a number\n,,;'),
        ("application/x-unknown", b"1"),
    ]
    bad = [Request(f"bad {number}", sent, JSON, body=body) for number, (sent, body) in enumerate(garbage)]
    answers = {answer.id: answer for answer in session.send([*good, charset, *bad, *good])}
    rows = []
    for request in good:
        answer = answers[request.id]
        assert (answer.status, answer.content_type) == (200, request.accept), answer
        assert row_count(request.body, request.content_type) == 3
        rows.append(answer_rows(answer.body, request.accept))
        assert len(rows[-1] or []) == 3
    assert (rows[0], rows[1]) == (rows[2], rows[3]), "the same rows as JSON and as CSV get other answers"
    assert answers["charset"].body == answers[good[0].id].body
    for request in bad:
        assert 400 <= answers[request.id].status < 500, (request, answers[request.id])
        assert answers[request.id].reason.isascii()


def test_samples_of_json_and_csv_are_found_out_for_each_package(session: HandlerSession, tmp_path: Path) -> None:
    written = generate_samples(session, tmp_path)
    samples = load_samples(tmp_path)
    assert sorted(sample.path for sample in samples) == sorted(written)
    names = {sample.sample_name for sample in samples}
    for suffix in ("json", "csv"):
        assert {f"rows-1.{suffix}", f"rows-3.{suffix}", f"negative/garbage.{suffix}"} <= names
    answers = session.send([Request(one.sample_name, one.content_type, JSON, path=one.path) for one in samples])
    for sample, answer in zip(samples, answers, strict=True):
        assert answer.ok == sample.should_succeed
        if sample.should_succeed and sample.content_type in {JSON, CSV}:
            wanted = 3 if "rows-3" in sample.sample_name else 1
            assert row_count(sample.data, sample.content_type) == wanted
            assert len(answer_rows(answer.body, JSON) or []) == wanted
    assert session.worker.loads == 1


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """opened(source, files): the session of a package with this handler and these other files."""
    with ExitStack() as stack:

        def make(source: str, files: dict[str, bytes] | None = None, **spec: object) -> HandlerSession:
            for name, content in {"code/inference.py": source.encode(), **(files or {})}.items():
                (tmp_path / "package" / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / "package" / name).write_bytes(content)
            made = InferenceHandlerSpec(
                handler_name="h", step_name="s", packaged_model_path=tmp_path / "package", **spec
            )
            return stack.enter_context(open_handler(made, tmp_path / "store"))

        yield make


STRICT = """
import json
def model_fn(model_dir): return 1
def input_fn(data, content_type):
    assert content_type == "application/json"
    body = json.loads(data)
    %s
    return body
def predict_fn(data, model): return [1.0 for _ in range(rows(data))]
def output_fn(prediction, accept): return json.dumps(prediction), "application/json"
"""


def strict(check: str, rows: str = "len(data)") -> str:
    return STRICT % check + f"def rows(data): return {rows}\n"


@pytest.mark.parametrize(
    ("source", "sample"),
    [
        # a key that only the source tells, and one that is required beside it
        (strict("assert len(body['signals'][0]) == 9", "len(data['signals'])"), '{"signals": [[0.5, '),
        # numbers of people, not of scaled features
        (strict("assert all(18 <= one['age'] < 100 for one in body)"), '[{"age": 20}, '),
        # one row that is a plain list, of a width that nothing tells
        (strict("assert [type(one) for one in body] == [float] * 13", "1"), "[0.5, 0.8, "),
        # images
        (
            strict("import numpy; assert numpy.array(body).shape[1:] == (2, 3, 4)").replace(
                "return 1\n", "return type('M', (), {'input_shape': (None, 2, 3, 4)})()\n", 1
            ),
            "[[[[0.5, ",
        ),
        # an object of the Hugging Face kind
        (strict("assert isinstance(body['inputs'], str)", "1"), '{"inputs": "a good day'),
    ],
)
def test_requests_of_other_shapes_are_found_out(opened: Open, tmp_path: Path, source: str, sample: str) -> None:
    generate_samples(opened(source), tmp_path / "out")
    names = [one.sample_name for one in load_samples(tmp_path / "out")]
    found = [name for name in names if not name.startswith("negative/")]
    assert found
    assert (tmp_path / "out" / found[-1]).read_text().startswith(sample)
    assert "negative/garbage.json" in names


def test_no_file_that_exists_is_written_to(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "rows-1.json").write_text("mine")
    session = opened(strict("assert body[0][2]"))
    written = generate_samples(session, tmp_path / "out")
    assert tmp_path / "out" / "rows-1.json" not in written
    assert (tmp_path / "out" / "rows-1.json").read_text() == "mine"
    assert tmp_path / "out" / "rows-3.json" in written
    assert generate_samples(session, tmp_path / "out") == []


def test_garbage_that_is_answered_is_no_sample(opened: Open, tmp_path: Path) -> None:
    generous = "def model_fn(d): return 1\ndef input_fn(d, c): return 1\ndef predict_fn(d, m): return [1.0]\n"
    assert generate_samples(opened(generous), tmp_path / "out")
    assert not (tmp_path / "out" / "negative").exists()


def test_pictures_of_the_package_are_samples(opened: Open, tmp_path: Path) -> None:
    source = strict("").replace("application/json", "image/png", 1).replace("json.loads(data)", "[bytes(data)[:4]]")
    source = source.replace("return body", "assert body == [b'\\x89PNG']; return body")
    files = {"samples/seven.png": b"\x89PNG...", "samples/other.png": b"no picture"}
    written = generate_samples(opened(source, files, supported_content_types=["image/png"]), tmp_path / "out")
    assert [path.name for path in written] == ["seven.png"]


def test_calibration_data_with_a_label_are_used_without_it(opened: Open, tmp_path: Path) -> None:
    source = strict("assert all(set(one) == {'colour', 'size'} and one['colour'] in ('red', 'blue') for one in body)")
    data = b"colour,size,label\nred,3,1\nblue,4,0\nred,5,1\n"
    generate_samples(opened(source, {"calibration/data.csv": data}), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "rows-1.json").read_text()) == [{"colour": "red", "size": 3.0}]


def test_where_nothing_is_answered_the_last_answer_is_named(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "MOST_REQUESTS", 20)
    source = (
        "def model_fn(d): return 1\ndef input_fn(d, c): raise ValueError('the moon is wrong')\ndef predict_fn(d, m): 0"
    )
    with pytest.raises(BadInput, match=r"none of \d+ requests was answered .* got 500 .*the moon is wrong"):
        generate_samples(opened(source), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_handler_that_dies_is_not_started_for_ever(opened: Open, tmp_path: Path) -> None:
    session = opened("import os\ndef model_fn(d): return 1\ndef input_fn(d, c): os._exit(3)\ndef predict_fn(d, m): 0")
    with pytest.raises(BadInput, match="no samples can be made"):
        generate_samples(session, tmp_path / "out")
    assert session.worker.loads <= 10


def test_a_model_that_does_not_load_is_named(opened: Open, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the model of the handler cannot be loaded: no weights"):
        generate_samples(opened("def model_fn(d): raise ValueError('no weights')\n"), tmp_path / "out")


def test_a_directory_that_cannot_be_written_is_named(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Broken, match=r"samples cannot be written to .*file"):
        generate_samples(opened(strict("assert body[0][2]")), tmp_path / "file")
