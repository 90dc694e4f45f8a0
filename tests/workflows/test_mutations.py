"""Any content of a file or an expression gives one of Slipway's own errors, never a traceback."""

import contextlib
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import JUNK, documents, mutated

from slipway_steps.domain.errors import SlipwayError
from slipway_workflows import engine
from slipway_workflows.cli import main
from slipway_workflows.cli.render import MANIFESTS
from slipway_workflows.cluster.submit import submission
from slipway_workflows.engine.language import exprlang, govaluate
from slipway_workflows.engine.language.durations import seconds
from slipway_workflows.engine.language.texts import fill, fill_strictly
from slipway_workflows.engine.manifests.images import read_images
from slipway_workflows.engine.manifests.yaml_reader import read_documents
from slipway_workflows.step_parameters import check_parameters

FILES = documents()
SEEDS = st.integers(0, 2**32)
HEALTH = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)
BOUNDED = settings(derandomize=True, deadline=None, max_examples=80, database=None, suppress_health_check=HEALTH)


def written(directory: Path, seed: int, names: list[str], most: int = 3) -> tuple[Path, list[dict[str, Any]]]:
    """A file with one of these manifests, changed at up to `most` places."""
    chance = random.Random(seed)
    objects = FILES[chance.choice(names)]
    for _ in range(chance.randint(1, most)):
        objects = mutated(objects, chance)
    path = directory / "mutated.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return path, objects


@BOUNDED
@given(seed=SEEDS)
def test_run_submit_and_lint_refuse_in_our_words(tmp_path: Path, seed: int) -> None:
    path, objects = written(tmp_path, seed, list(FILES))
    with contextlib.suppress(SlipwayError):
        library = engine.load([path], MANIFESTS)
        source = engine.main_object(library, path)
        engine.prepare(library, source, {}, engine.Options(home=tmp_path))
        check_parameters(source, {}, library.find)
    assert main(["lint", str(path)]) in (0, 1)
    for one in objects:
        if isinstance(one, dict):
            with contextlib.suppress(SlipwayError):
                submission(one, {})
                check_parameters(one, {}, lambda kind, name: None)


@settings(BOUNDED, max_examples=20)
@given(seed=SEEDS)
def test_what_is_accepted_runs_to_an_end(tmp_path: Path, seed: int) -> None:
    path, _ = written(tmp_path, seed, [name for name in FILES if name.startswith("case-")], most=1)
    with contextlib.suppress(SlipwayError):
        library = engine.load([path], MANIFESTS)
        run = engine.prepare(library, engine.main_object(library, path), {}, engine.Options(home=tmp_path / "home"))
        run.spec["activeDeadlineSeconds"] = 1
        assert run.execute()["status"]["phase"] in ("Succeeded", "Failed", "Error")


TEXTS = st.one_of(
    st.text(),
    st.text("ab1 .\"'()<>=!&|-+*/%[]{},?:~#;\\x", max_size=60),
    st.sampled_from([value for value in JUNK if isinstance(value, str)]),
    st.sampled_from(["0x" + "f" * 300, "9" * 5000, "(" * 500, "{{" * 50 + "}}" * 50, "2 ** 99999 ** 99999 > 1"]),
)


@settings(BOUNDED, max_examples=200)
@given(text=TEXTS)
def test_the_languages_refuse_in_our_words(tmp_path: Path, text: str) -> None:
    environment: dict[str, Any] = {"a": "1", "steps.b.status": "Succeeded", "workflow.name": "wf"}
    for read in (
        govaluate.evaluate,
        govaluate.parse,
        exprlang.parse,
        lambda one: exprlang.evaluate(one, {"a": "1", "b": {"c": None}}),
        lambda one: fill(one, environment),
        lambda one: fill_strictly({"x": [one, "{{" + one + "}}"], "y": "{{=" + one + "}}"}, environment),
        seconds,
    ):
        with contextlib.suppress(SlipwayError):
            read(text)
    for read_file in (read_images, lambda file: list(read_documents(file))):
        with contextlib.suppress(SlipwayError):
            file = tmp_path / "file.yaml"
            file.write_text(text, encoding="utf-8", errors="surrogatepass")
            read_file(file)


@pytest.mark.parametrize("text", ["image: text", "image: [1]", "? [a]\n: {}", "5", "image: {path: 5}", "a: &a [*a]"])
def test_images_of_garbage_are_one_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "images.yaml"
    file.write_text(text)
    with pytest.raises(SlipwayError):
        read_images(file)
