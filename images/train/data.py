"""The training data: scikit-learn's handwritten digits, or a folder with one folder of images for each class (as
ImageFolder and Food-11 have it).
"""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy
from PIL import Image, UnidentifiedImageError

DIGITS_SIZE = 24
"""Width and height of a digit in pixels, enlarged from 8 x 8, because the network halves the size four times. With 32
an epoch takes half as long again and the accuracy is the same (98 % to 99 % for seeds 0 to 5).
"""
FOLDER_SIZE = 128
"""Width and height in pixels of an image from a folder, at most; enough for food, at a third of the cost of 224. Images
that are smaller are not enlarged: that would cost time and add nothing.
"""
HOLDOUT_SHARE = 0.2
"""The share of the data that is never trained on: 360 digits, enough for +-1.5 percentage points at 97 %."""
HOLDOUT_LIMIT = 1000
"""Held-out images in the package, at most: the evaluation stays quick and the package small."""
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


@dataclass
class Data:
    """Images uint8 [N, H, W, 3] and labels int64 [N], for training and held out. `labels` are the names of the
    classes.
    """

    name: str
    labels: list[str]
    train_images: numpy.ndarray
    train_labels: numpy.ndarray
    holdout_images: numpy.ndarray
    holdout_labels: numpy.ndarray

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the training images and labels, as "sha256:..."."""
        found = hashlib.sha256(self.train_images.tobytes())
        found.update(self.train_labels.tobytes())
        return f"sha256:{found.hexdigest()}"


def load(dataset: str, seed: int) -> Data:
    """The data set `digits`, or that of a folder. Exits with one line where there is no data."""
    return digits(seed) if dataset == "digits" else folder(Path(dataset), seed)


def digits(seed: int) -> Data:
    """1797 real handwritten digits, which are part of scikit-learn: nothing is downloaded."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = numpy.stack([_enlarged(image) for image in found.images])
    return split("digits", [str(n) for n in range(10)], images, found.target.astype(numpy.int64), seed)


def _enlarged(image: numpy.ndarray) -> numpy.ndarray:
    grey = Image.fromarray((image * (255 / 16)).astype(numpy.uint8))
    return numpy.asarray(grey.resize((DIGITS_SIZE, DIGITS_SIZE), Image.Resampling.BICUBIC).convert("RGB"))


def split(name: str, labels: list[str], images: numpy.ndarray, targets: numpy.ndarray, seed: int) -> Data:
    """Split into training and held-out data, so that each class has the same share in both."""
    from sklearn.model_selection import train_test_split

    train, holdout = train_test_split(
        numpy.arange(len(targets)), test_size=HOLDOUT_SHARE, random_state=seed, stratify=targets
    )
    return Data(
        name, labels, images[train], targets[train], images[holdout][:HOLDOUT_LIMIT], targets[holdout][:HOLDOUT_LIMIT]
    )


def folder(path: Path, seed: int) -> Data:
    """The class folders under `path`, or under its training/ and validation/ (the split of Food-11)."""
    if not path.is_dir():
        sys.exit(f"error: dataset {path} is not a directory (give a folder of class folders, or `digits`)")
    parts = [
        next((path / n for n in names if (path / n).is_dir()), None)
        for names in (("training", "train"), ("validation", "val"))
    ]
    train_path, holdout_path = parts[0] or path, parts[1] if parts[0] else None
    labels = sorted(p.name for p in train_path.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(labels) < 2:
        sys.exit(f"error: dataset {train_path} has {len(labels)} class folders, at least 2 are needed")
    size = _size(train_path, labels)
    images, targets = _read(train_path, labels, size)
    if holdout_path is None:
        return split(path.name, labels, images, targets, seed)
    held, held_targets = _read(holdout_path, labels, size)
    chosen = numpy.random.default_rng(seed).permutation(len(held_targets))[:HOLDOUT_LIMIT]
    return Data(path.name, labels, images, targets, held[chosen], held_targets[chosen])


def _files(path: Path) -> list[Path]:
    """The images of a class. Exits with one line where there are too few."""
    files = sorted(p for p in path.glob("*") if p.suffix.lower() in SUFFIXES)
    if len(files) < 2:
        sys.exit(f"error: dataset {path} has {len(files)} images, at least 2 are needed")
    return files


def _open(file: Path, size: int | None = None) -> Image.Image:
    """An image, brought to this size where one is given. Exits with one line where it cannot be read."""
    try:
        image = Image.open(file)
        return image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR) if size else image
    except (UnidentifiedImageError, OSError) as error:
        sys.exit(f"error: dataset image {file} cannot be read: {error}")


def _size(path: Path, labels: list[str]) -> int:
    """The width and height for all images: the longest side of the first image of any class, within bounds."""
    longest = max(max(_open(_files(path / label)[0]).size) for label in labels)
    return min(FOLDER_SIZE, max(DIGITS_SIZE, longest))


def _read(path: Path, labels: list[str], size: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    images, targets = [], []
    for number, label in enumerate(labels):
        for file in _files(path / label):
            images.append(numpy.asarray(_open(file, size)))
            targets.append(number)
    return numpy.stack(images), numpy.array(targets, dtype=numpy.int64)
