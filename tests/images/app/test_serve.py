"""The app over real HTTP."""

import io
import shutil
import signal
import struct
import subprocess
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from images.app.conftest import Served
from PIL import Image
from sampling import for_acceptance

Serve = Callable[..., Served]
CHROMIUM = shutil.which("chromium")


def sample(package: Path) -> tuple[str, bytes]:
    path = sorted((package / "samples").glob("*.png"))[0]
    return path.stem.rsplit("-", 1)[0], path.read_bytes()


def test_what_is_served(serve: Serve, trained_package: Path) -> None:
    app = serve(trained_package)
    version = app.get("/version").json()
    assert (version["version"], version["digest"], version["contract"]) == ("7", "sha256:abc", "ok")
    assert version["versions"] == {"model-app": "1.0.7", "model-version": "7"}
    label, content = sample(trained_package)
    answer = app.predict(content)
    body = answer.json()
    assert (answer.status_code, body["label"], body["version"]) == (200, label, "7")
    assert abs(sum(body["probabilities"].values()) - 1) < 0.001
    assert app.get("/test").json()["right"] >= 5
    assert "What does the model see?" in app.get("/").text
    assert app.get("/healthz").status_code == 200
    metrics = app.get("/metrics").text
    assert 'http_requests_total{path="/predict",status="200"} 1.0' in metrics
    assert 'model_info{architecture="mobilenet_v2"' in metrics
    assert "model-version=7" in app.log.read_text()


def test_uploads_have_limits_and_every_refusal_is_json(serve: Serve, trained_package: Path) -> None:
    app = serve(trained_package)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 9999))
        + chunk(b"IEND", b"")
    )
    gif = io.BytesIO()
    Image.new("RGB", (8, 8)).save(gif, "GIF")
    for content, status in (
        (b"x" * (6 << 20), 413),
        (b"not an image", 400),
        (bomb, 400),
        (gif.getvalue(), 400),
        (b"", 400),
    ):
        answer = app.predict(content)
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]
    import requests

    plain = requests.post(f"{app.url}/predict", data=b"x", timeout=5)
    assert (plain.status_code, bool(plain.json()["error"])) == (415, True)
    nothing = requests.post(f"{app.url}/predict", files={"other": b"x"}, timeout=5)
    assert nothing.status_code == 400
    assert app.predict(sample(trained_package)[1]).status_code == 200, "it no longer serves"


@pytest.mark.acceptance
def test_a_wrong_architecture_is_served_as_such(serve: Serve, resnet_package: Path) -> None:
    app = serve(resnet_package)
    for path in ("/healthz", "/readyz", "/version"):
        assert app.get(path).status_code == 200
    assert app.get("/version").json()["version"] == "7"
    answer = app.predict(sample(resnet_package)[1])
    assert (answer.status_code, "resnet_small" in answer.json()["error"]) == (500, True)
    assert "contract mismatch" in app.log.read_text()


@pytest.mark.acceptance
def test_the_graph_is_looked_at_not_only_the_claim(serve: Serve, resnet_package: Path) -> None:
    def lie(app: Path) -> None:
        contract = app / "model" / "contract.json"
        contract.write_text(contract.read_text().replace("resnet_small", "mobilenet_v2"))

    assert "depthwise" in serve(resnet_package, lie).get("/version").json()["contract"]


def test_versions_txt_is_missed(serve: Serve, trained_package: Path) -> None:
    app = serve(trained_package, lambda root: (root / "versions.txt").unlink())
    body = app.get("/version").json()
    assert body["version"] is None
    assert "versions.txt" in body["error"]


def test_a_corrupt_model_is_one_clear_line(serve: Serve, trained_package: Path) -> None:
    app = serve(trained_package, lambda root: (root / "model" / "model.onnx").write_bytes(b"\x08garbage"), False)
    assert app.process.wait(30) != 0
    text = app.log.read_text()
    assert "error: the model cannot be served" in text
    assert "Traceback" not in text


def test_memory_under_load_and_a_quick_end(serve: Serve, trained_package: Path) -> None:
    app = serve(trained_package)
    content = sample(trained_package)[1]
    with ThreadPoolExecutor(10) as pool:
        assert {answer.status_code for answer in pool.map(lambda _: app.predict(content), range(100))} == {200}
    resident = psutil.Process(app.process.pid).memory_info().rss / 2**20
    assert resident < 160, f"{resident:.0f} MiB resident"
    app.process.send_signal(signal.SIGTERM)
    app.process.wait(5)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian package chromium)")
@pytest.mark.parametrize("width", [for_acceptance(1100), 390])
def test_a_browser_shows_the_page(serve: Serve, trained_package: Path, tmp_path: Path, width: int) -> None:
    app = serve(trained_package)
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
    command = [str(CHROMIUM), "--headless", "--no-sandbox", *quiet, f"--user-data-dir={tmp_path / 'profile'}"]
    command += [f"--window-size={width},900", "--virtual-time-budget=5000", "--dump-dom", f"{app.url}/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Version 7 · mobilenet_v2 · 10 labels" in done.stdout, done.stderr[-500:]
    assert done.stdout.count('<img src="/samples/') == 6
