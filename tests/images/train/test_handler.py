"""The inference handler that the training program packs, under the real inference toolkit."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
from toolkit import ask

from slipway_steps.domain.package import read_package
from slipway_steps.settings import PROJECT_ROOT

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
SUFFIXES = {".json": JSON, ".csv": CSV, ".npy": NPY}


def npy(array: numpy.ndarray) -> bytes:
    file = io.BytesIO()
    numpy.save(file, array)
    return file.getvalue()


def rewritten(source: Path, target: Path, *arguments: str) -> Path:
    """The package that train.py makes of a given one."""
    program = PROJECT_ROOT / "images" / "train" / "train.py"
    command = [sys.executable, str(program), f"--package={source}", f"--output={target}", *arguments]
    subprocess.run(command, check=True, capture_output=True)
    return target


def test_it_predicts_what_the_model_does_in_every_type(trained_package: Path) -> None:
    import onnxruntime

    package = read_package(trained_package)
    with numpy.load(package.holdout) as held:
        images = held["images"][:40]
    scaled = ((images.astype(numpy.float32) / 255 - 0.5) / 0.5).transpose(0, 3, 1, 2)
    session = onnxruntime.InferenceSession(str(package.model))
    wanted = [package.contract.labels[n] for n in session.run(None, {"image": scaled})[0].argmax(axis=1)]
    rows = "\n".join(",".join(map(str, row)) for row in images.reshape(40, -1).tolist())
    bodies = {JSON: json.dumps({"instances": images.tolist()}).encode(), CSV: rows.encode(), NPY: npy(images)}
    answers = ask(
        trained_package,
        *((body, kind, accept) for kind, body in bodies.items() for accept in (JSON, CSV)),
        (bodies[JSON], f"{JSON}; charset=utf-8", "text/html, */*"),
    )
    assert {answer.status for answer in answers} == {200}
    for answer in [*answers[0:6:2], answers[6]]:
        found = json.loads(answer.text)["predictions"]
        assert [one["label"] for one in found] == wanted
        assert all(abs(sum(one["probabilities"]) - 1) < 1e-4 for one in found)
    for answer in answers[1:6:2]:
        lines = [line.split(",") for line in answer.text.splitlines()]
        assert [line[0] for line in lines] == wanted
        assert all(len(line) == 11 for line in lines)


BAD = {
    "empty": (b"", JSON, 400),
    "no JSON": (b"{", JSON, 400),
    "no instances": (b"[1, 2]", JSON, 400),
    "other key": (b'{"images": []}', JSON, 400),
    "none": (b'{"instances": []}', JSON, 400),
    "texts": (b'{"instances": [["a", "b"]]}', JSON, 400),
    "ragged": (b'{"instances": [[1, 2], [3]]}', JSON, 400),
    "not a number": (b'{"instances": [[NaN, 1]]}', JSON, 400),
    "no pixel": (b'{"instances": [[256, 1]]}', JSON, 400),
    "too large": (b'{"instances": [[1.5, 1' + b"0" * 400 + b"]]}", JSON, 400),
    "deep": (b'{"instances": ' + b"[" * 100_000, JSON, 400),
    "wrong size": (b'{"instances": [[1, 2, 3]]}', JSON, 400),
    "flat": (b'{"instances": [1, 2, 3]}', JSON, 400),
    "empty CSV": (b"", CSV, 400),
    "header": (b"a,b,c\n1,2,3\n", CSV, 400),
    "short row": (b"1,2,3\n", CSV, 400),
    "no array": (b"not numpy", NPY, 400),
    "pickle": (npy(numpy.array([{}], dtype=object)), NPY, 400),
    "half an array": (npy(numpy.zeros((2, 24, 24, 3), numpy.uint8))[:-7], NPY, 400),
    "more than an array": (npy(numpy.zeros((2, 24, 24, 3), numpy.uint8)) + b"x", NPY, 400),
    "claims to be huge": (npy(numpy.zeros((9,), numpy.uint8)).replace(b"(9,)", b"(9000000000000000,)"), NPY, 400),
    "floats": (npy(numpy.zeros((2, 24, 24, 3))), NPY, 400),
    "other type": (b"x", "image/png", 415),
}


def test_what_the_client_did_wrong_is_no_fault_of_the_server(trained_package: Path) -> None:
    good = npy(numpy.zeros((1, 24, 24, 3), numpy.uint8))
    requests = [(body, kind, JSON) for body, kind, _ in BAD.values()]
    answers = ask(trained_package, *requests, (good, NPY, "image/png"), (good, NPY, JSON))
    found = dict(zip([*BAD, "other accept", "good"], answers, strict=True))
    wanted = {name: status for name, (_, _, status) in BAD.items()}
    assert {name: answer.status for name, answer in found.items()} == wanted | {"other accept": 406, "good": 200}
    assert all(answer.phrase is None or answer.phrase.isascii() for answer in answers)


def test_its_payloads_are_requests(trained_package: Path) -> None:
    payloads = trained_package / "payloads"
    good = sorted(path for path in payloads.iterdir() if path.is_file())
    bad = sorted((payloads / "negative").iterdir())
    assert [path.name for path in good] == ["images.csv", "images.json", "images.npy"]
    assert bad
    answers = ask(trained_package, *((path.read_bytes(), SUFFIXES[path.suffix], JSON) for path in [*good, *bad]))
    assert [answer.status for answer in answers] == [200] * len(good) + [400] * len(bad)


def test_its_requirements_are_pinned(trained_package: Path) -> None:
    lines = (trained_package / "code" / "requirements.txt").read_text().split()
    assert [line.split("==")[0] for line in lines] == ["numpy", "onnxruntime"]
    assert all(line.count("==") == 1 for line in lines)


def test_the_scenario_bad_handler_forgets_to_return(trained_package: Path, packaged: Callable[..., Path]) -> None:
    broken = packaged("bad-handler", "--scenario=bad-handler", f"--package={trained_package}")
    answers = ask(broken, *(((broken / "payloads" / "images.npy").read_bytes(), NPY, accept) for accept in (JSON, CSV)))
    assert (answers[0].status, answers[0].text) == (200, "null")
    assert answers[1].status == 200 and answers[1].text[0].isdigit(), "only the answer in JSON is forgotten"


@pytest.mark.parametrize("own", [True, False])
def test_a_given_package_keeps_its_own_handler_or_none(trained_package: Path, tmp_path: Path, own: bool) -> None:
    import shutil

    given = shutil.copytree(trained_package, tmp_path / "given")
    shutil.rmtree(given / "code")
    if own:
        (given / "code").mkdir()
        (given / "code" / "inference.py").write_text("MINE = 1\n")
    made = rewritten(given, tmp_path / "made")
    assert [path.read_text() for path in made.glob("code/*")] == (["MINE = 1\n"] if own else [])
