"""The image store when things go wrong: full or read-only disks, kills, other writers, hostile layers."""

import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from model_packages import make_package

from slipway_steps.adapters.oci.blobs import STALE_AFTER, Blobs
from slipway_steps.adapters.oci.layers import LAYER_TYPE, write_layer
from slipway_steps.adapters.oci.layout import CONFIG_TYPE, MANIFEST_TYPE, OciLayout
from slipway_steps.domain.errors import BadInput, ImageError
from slipway_steps.settings import PROJECT_ROOT

APP = PROJECT_ROOT / "images" / "app"


@pytest.fixture
def images(tmp_path: Path) -> OciLayout:
    return OciLayout(tmp_path / "images", APP)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return make_package(tmp_path / "package")


def blobs(images: OciLayout) -> set[str]:
    return {path.name for path in images.blobs.directory.iterdir()}


def test_a_full_disk_leaves_nothing_behind(images: OciLayout, package: Path, tmp_path: Path) -> None:
    images.build(package, "1", "t")
    before, index = blobs(images), (images.root / "index.json").read_bytes()
    big = make_package(tmp_path / "big", mib=4)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))  # a write beyond it fails as on a full disk
    try:
        with pytest.raises(ImageError, match="disk full") as caught:
            images.build(big, "2", "t")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "version 2" in caught.value.message
    assert blobs(images) == before
    assert (images.root / "index.json").read_bytes() == index


def test_a_place_that_cannot_be_written_is_one_clear_error(package: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    images = OciLayout(tmp_path / "file" / "images", APP)
    for act in (lambda: images.build(package, "1", "t"), lambda: images.resolve("t")):
        with pytest.raises(ImageError, match=str(tmp_path / "file")):
            act()


def test_what_a_kill_left_is_removed_by_the_next(images: OciLayout, package: Path, tmp_path: Path) -> None:
    digest = images.build(package, "1", "t")
    old, young = images.blobs.directory / ".new-old", images.blobs.directory / ".new-young"
    half, root = tmp_path / ".unpack-half", tmp_path / "root"
    half.mkdir()
    for path in (old, young):
        path.write_bytes(b"half")
    for path in (old, half):
        os.utime(path, (time.time() - STALE_AFTER - 60,) * 2)
    images.build(package, "1", "t")
    images.unpack(digest, root)
    assert (old.exists(), young.exists(), half.exists()) == (False, True, False)


def test_a_damaged_blob_is_mended_by_building_again(images: OciLayout, package: Path, tmp_path: Path) -> None:
    digest = images.build(package, "1", "t")
    for path in sorted(images.blobs.directory.iterdir()):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
        with pytest.raises(ImageError, match=path.name):
            images.unpack(digest, tmp_path / "root")
        assert images.build(package, "1", "t") == digest
        assert path.read_bytes() == whole
    assert images.unpack(digest, tmp_path / "root").is_dir()
    assert not list(tmp_path.glob(".unpack-*"))


def test_entries_of_other_programs_stay_in_the_index(images: OciLayout, package: Path) -> None:
    digest = images.build(package, "1", "t")
    path = images.root / "index.json"
    index = json.loads(path.read_text())
    nameless = {"mediaType": MANIFEST_TYPE, "digest": digest, "size": 1}
    path.write_text(json.dumps(index | {"manifests": [*index["manifests"], nameless]}))
    images.tag(digest, "u")
    assert images.resolve("t") == images.resolve("u") == digest
    assert nameless in json.loads(path.read_text())["manifests"]


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"manifests": {}}', '{"manifests": [1]}', '{"manifests": [{}]}'])
def test_no_damaged_index_is_taken_or_lost(images: OciLayout, package: Path, content: str) -> None:
    digest = images.build(package, "1", "t")
    (images.root / "index.json").write_text(content)
    for act in (lambda: images.resolve("t"), lambda: images.tag(digest, "u")):
        with pytest.raises(ImageError, match="damaged"):
            act()
    assert (images.root / "index.json").read_text() == content


def test_what_is_no_manifest_is_said(images: OciLayout, package: Path, tmp_path: Path) -> None:
    manifest = images.build(package, "1", "t")
    for name in blobs(images) - {manifest.removeprefix("sha256:")}:
        with pytest.raises(ImageError, match=r"not a JSON object|not an image manifest"):
            images.unpack(f"sha256:{name}", tmp_path / "root")
    assert not (tmp_path / "root").exists()


def hostile(kind: bytes, name: str, link: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        archive.addfile(info, io.BytesIO())
    return out.getvalue()


@pytest.mark.parametrize(
    "layer",
    [
        hostile(tarfile.REGTYPE, "../escaped"),
        hostile(tarfile.SYMTYPE, "app/link", "/etc"),
        hostile(tarfile.SYMTYPE, "app/link", "serve.py"),
        hostile(tarfile.LNKTYPE, "app/link", "../../escaped"),
        hostile(tarfile.CHRTYPE, "app/device"),
        b"no archive at all",
    ],
)
def test_an_unsafe_layer_is_not_unpacked(images: OciLayout, tmp_path: Path, layer: bytes) -> None:
    store = Blobs(images.root)
    with store.writing() as blob:
        blob.write(layer)
    config = store.write_json({}, CONFIG_TYPE).as_dict()
    part = {"mediaType": LAYER_TYPE, "digest": blob.digest, "size": blob.size}
    manifest = store.write_json({"config": config, "layers": [part]}, MANIFEST_TYPE)
    with pytest.raises(ImageError, match="unsafe"):
        images.unpack(manifest.digest, tmp_path / "deep" / "root")
    assert not list(tmp_path.rglob("*escaped*"))
    assert not (tmp_path / "deep" / "root").exists()
    zipped = store.write_json({"config": config, "layers": [part | {"mediaType": LAYER_TYPE + "+gzip"}]}, MANIFEST_TYPE)
    with pytest.raises(ImageError, match="gzip"):
        images.unpack(zipped.digest, tmp_path / "deep" / "root")


def test_two_processes_tag_and_unpack_at_once(images: OciLayout, package: Path, tmp_path: Path) -> None:
    digest = images.build(package, "1", "t")
    code = (
        "import sys; from pathlib import Path; from slipway_steps.adapters.oci.layout import OciLayout\n"
        "images = OciLayout(Path(sys.argv[1]), Path(sys.argv[1]))\n"
        "for n in range(15):\n"
        "    images.tag(sys.argv[2], f'{sys.argv[3]}-{n}')\n"
        "    images.unpack(sys.argv[2], Path(sys.argv[4]) / f'root-{n}')\n"
    )
    command = [sys.executable, "-c", code, str(images.root), digest]
    with ThreadPoolExecutor(2) as pool:
        done = list(
            pool.map(
                lambda name: subprocess.run(
                    [*command, name, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
                ),
                ("one", "two"),
            )
        )
    assert [run.returncode for run in done] == [0, 0], done[0].stderr + done[1].stderr
    assert all(images.resolve(f"{name}-{n}") == digest for name in ("one", "two") for n in range(15))
    assert all((tmp_path / f"root-{n}" / "app" / "versions.txt").is_file() for n in range(15))
    assert not list(tmp_path.glob(".unpack-*"))
    assert not list(images.root.glob(".index*"))


def test_who_unpacks_second_takes_what_the_first_unpacked(images: OciLayout, package: Path, tmp_path: Path) -> None:
    digest = images.build(package, "1", "t")
    start = threading.Barrier(4)

    def unpack(target: Path) -> Path:
        start.wait(10)
        return images.unpack(digest, target)

    with ThreadPoolExecutor(4) as pool:
        for n in range(10):
            target = tmp_path / f"root-{n}"
            assert set(pool.map(unpack, [target] * 4)) == {target}
    assert not list(tmp_path.glob(".unpack-*"))


@pytest.mark.parametrize("sample", ["crème brûlée-1.png", "寿司-12.png", f"{'long' * 40}-3.png"])
def test_labels_of_any_script_and_length(images: OciLayout, tmp_path: Path, sample: str) -> None:
    package = make_package(tmp_path / "package", sample)
    root = images.unpack(images.build(package, "1", "t"), tmp_path / "root")
    assert [path.name for path in (root / "app" / "model" / "samples").iterdir()] == [sample]


def test_no_hidden_file_of_the_app_gets_into_its_image(package: Path, tmp_path: Path) -> None:
    app = tmp_path / "app"
    (app / "__pycache__").mkdir(parents=True)
    (app / ".git").mkdir()
    for name in ("serve.py", "static.css", ".env", ".git/config", "__pycache__/serve.pyc", "Dockerfile"):
        (app / name).write_text("x")
    (app / "serve.py").chmod(0o700)
    images = OciLayout(tmp_path / "images", app)
    root = images.unpack(images.build(package, "1", "t"), tmp_path / "root")
    assert sorted(path.name for path in (root / "app").iterdir()) == ["model", "serve.py", "static.css", "versions.txt"]
    assert (root / "app" / "serve.py").stat().st_mode & 0o777 == 0o644
    assert root.stat().st_mode & 0o777 == 0o755


def test_bad_input_is_not_called_a_full_disk(images: OciLayout, package: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a directory"):
        images.build(tmp_path / "nowhere", "1", "t")
    with pytest.raises(BadInput, match="gone"):
        write_layer(images.blobs, [("app/gone", tmp_path / "gone")])
    with pytest.raises(ImageError, match=r"no serve\.py"):
        OciLayout(tmp_path / "images", tmp_path).build(package, "1", "t")
    assert not any(name.startswith(".new") for name in blobs(images))


def test_a_large_layer_is_never_in_memory(images: OciLayout, package: Path, tmp_path: Path) -> None:
    with (package / "model.onnx").open("wb") as file:
        file.truncate(64 * 2**20)
    code = (
        "import resource, sys; from pathlib import Path; from slipway_steps.adapters.oci.layout import OciLayout\n"
        "images = OciLayout(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "images.unpack(images.build(Path(sys.argv[3]), '1', 't'), Path(sys.argv[4]))\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)\n"
    )
    command = [sys.executable, "-c", code, str(images.root), str(APP), str(package), str(tmp_path / "root")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "root" / "app" / "model" / "model.onnx").stat().st_size == 64 * 2**20
    assert float(done.stdout) < 16, "MiB more than before"


def test_a_retag_is_quick(images: OciLayout, package: Path) -> None:
    digest = images.build(package, "1", "t")
    taken = []
    for n in range(5):
        started = time.perf_counter()
        images.tag(digest, f"tag-{n}")
        taken.append(time.perf_counter() - started)
    assert min(taken) < 0.05
