from pathlib import Path

import numpy
from PIL import Image

from slipway_workflows.validation.synthetic import CLASSES, SIZE, draw_images


def drawn(directory: Path, seed: int) -> dict[str, bytes]:
    draw_images(directory, seed, 3)
    return {str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*.png"))}


def test_a_seed_always_draws_the_same_images(tmp_path: Path) -> None:
    first = drawn(tmp_path / "a", 1)
    assert drawn(tmp_path / "b", 1) == first
    other = drawn(tmp_path / "c", 2)
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


def test_each_class_has_a_folder_of_small_pictures_that_differ(tmp_path: Path) -> None:
    found = drawn(tmp_path / "a", 0)
    assert {name.partition("/")[0] for name in found} == set(CLASSES)
    assert len(set(found.values())) == len(found) == 3 * len(CLASSES)
    for name in found:
        pixels = numpy.asarray(Image.open(tmp_path / "a" / name))
        assert pixels.shape == (SIZE, SIZE, 3)
        assert pixels.std() > 20, "there is something to see"
