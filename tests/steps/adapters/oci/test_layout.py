"""The image store is valid by the OCI spec and reproducible, and it reports every damage."""

import json
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway_steps.adapters.oci.layout import OciLayout
from slipway_steps.domain.errors import ImageError
from slipway_steps.settings import PROJECT_ROOT

APP = PROJECT_ROOT / "images" / "app"


@pytest.fixture
def images(tmp_path: Path) -> OciLayout:
    return OciLayout(tmp_path / "images", APP)


def test_the_same_input_gives_the_same_bytes(images: OciLayout, trained_package: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(trained_package, copy)
    other = OciLayout(tmp_path / "other", APP)
    digest = images.build(trained_package, "7", "development-1.0.7")
    assert other.build(copy, "7", "development-1.0.7") == digest
    assert images.build(trained_package, "8", "development-1.0.8") != digest
    for path in (tmp_path / "other" / "blobs" / "sha256").iterdir():
        assert path.read_bytes() == (tmp_path / "images" / "blobs" / "sha256" / path.name).read_bytes()


def test_what_lies_in_the_image(images: OciLayout, trained_package: Path, tmp_path: Path) -> None:
    digest = images.build(trained_package, "7", "t")
    config = images.config(digest)
    assert config["config"]["Entrypoint"] == ["python", "/app/serve.py"]
    assert config["config"]["User"].isdigit()
    root = images.unpack(digest, tmp_path / "root")
    assert (root / "app" / "versions.txt").read_text() == "model-app=1.0.7\nmodel-version=7\n"
    assert (root / "app" / "model" / "model.onnx").read_bytes() == (trained_package / "model.onnx").read_bytes()
    assert not list(root.rglob("__pycache__"))
    assert not list(root.rglob("holdout*"))
    assert images.unpack(digest, tmp_path / "root") == root


def test_a_retag_keeps_the_digest_and_its_own_tags(images: OciLayout, trained_package: Path) -> None:
    digest = images.build(trained_package, "7", "development-1.0.7")
    images.tag(digest, "staging-1.0.7")
    images.tag(digest, "staging-1.0.7")
    assert images.resolve("staging-1.0.7") == images.resolve("development-1.0.7") == digest
    assert images.resolve("canary-1.0.7") is None
    with pytest.raises(ImageError, match="not in the store"):
        images.tag("sha256:" + "0" * 64, "canary-1.0.7")


def test_tags_set_at_the_same_time_are_all_kept(images: OciLayout, trained_package: Path) -> None:
    digest = images.build(trained_package, "7", "t")
    threads = [threading.Thread(target=images.tag, args=(digest, f"tag-{n}")) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(images.resolve(f"tag-{n}") == digest for n in range(20))


def test_a_damaged_blob_is_named_and_nothing_unpacked(images: OciLayout, trained_package: Path, tmp_path: Path) -> None:
    digest = images.build(trained_package, "7", "t")
    layer = max((images.root / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    content = bytearray(layer.read_bytes())
    content[len(content) // 2] ^= 1
    layer.write_bytes(content)
    with pytest.raises(ImageError, match=layer.name):
        images.unpack(digest, tmp_path / "root")
    with pytest.raises(ImageError, match=layer.name):
        images.verify(digest)
    assert not (tmp_path / "root").exists()
    layer.unlink()
    with pytest.raises(ImageError, match="missing"):
        images.unpack(digest, tmp_path / "root")


def test_what_is_whole_is_verified(images: OciLayout, trained_package: Path) -> None:
    images.verify(images.build(trained_package, "7", "t"))
    with pytest.raises(ImageError, match="missing"):
        images.verify("sha256:" + "0" * 64)


def test_a_damaged_index_is_said(images: OciLayout, trained_package: Path) -> None:
    images.build(trained_package, "7", "t")
    (images.root / "index.json").write_text("{")
    with pytest.raises(ImageError, match="damaged"):
        images.resolve("t")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(digest=st.text())
def test_no_digest_leads_out_of_the_store(images: OciLayout, digest: str) -> None:
    with pytest.raises(ImageError):
        images.blobs.read(digest)


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed (Debian package skopeo)")
def test_skopeo_reads_it(images: OciLayout, trained_package: Path) -> None:
    digest = images.build(trained_package, "7", "development-1.0.7")
    command = ["skopeo", "inspect", f"oci:{images.root}:development-1.0.7"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert found["Digest"] == digest
    assert len(found["Layers"]) == 2


@pytest.mark.skipif(not shutil.which("umoci"), reason="umoci is not installed (Debian package umoci)")
def test_umoci_unpacks_it(images: OciLayout, trained_package: Path, tmp_path: Path) -> None:
    images.build(trained_package, "7", "development-1.0.7")
    command = ["umoci", "unpack", "--rootless", "--image", f"{images.root}:development-1.0.7", str(tmp_path / "bundle")]
    subprocess.run(command, check=True, capture_output=True)
    config = json.loads((tmp_path / "bundle" / "config.json").read_text())
    assert config["process"]["args"] == ["python", "/app/serve.py"]
    assert (tmp_path / "bundle" / "rootfs" / "app" / "versions.txt").exists()
