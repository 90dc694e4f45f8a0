"""The training program: writes a packaged model (docs/model-package.md).

    python train.py --dataset digits --seed 0 --scenario normal --output DIRECTORY

It imports nothing of Slipway: replace it by a program of your own that takes the same arguments.
"""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy
from handler_files import break_handler, write_handler

# ONNX Runtime reports to its maker unless this is set before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

SCENARIOS = ("normal", "bad-architecture", "oversized", "slow", "flaky-metrics", "bad-handler")
BATCH = 48
EPOCHS = {"mobilenet_v2": 7, "resnet_small": 5}
PEAK_RATE = {"mobilenet_v2": 0.005, "resnet_small": 0.005}
"""Peak of the one-cycle learning rate (AdamW); found by hand on the digits."""
THREADS = int(os.environ.get("TRAINING_THREADS", "2"))
SHIFT = 2
"""Pixels by which each training image is moved at most. Without it fewer digits are told apart."""
HELD_OUT_BATCH = int(os.environ.get("TRAINING_HELD_OUT_BATCH", "128"))
"""Held-out images that are measured at a time. `slipway optimize train` tries values of this and of THREADS."""
SAMPLES = 6
MEAN = STD = (0.5, 0.5, 0.5)


def scaled(images: numpy.ndarray) -> numpy.ndarray:
    """float32 [N, 3, H, W], scaled as the contract says, from pixels uint8 [N, H, W, 3]."""
    pixels = (images.astype(numpy.float32) / 255 - numpy.array(MEAN)) / numpy.array(STD)
    return numpy.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=numpy.float32)


def fit(data, architecture: str, seed: int):
    """Train a model. Returns it with a list of one history entry for each epoch."""
    # How long a waiting thread spins before it sleeps. The default of 300,000 rounds makes training many times slower
    # beside other work; no round at all makes it a third slower on idle cores. 1,000 rounds cost little in both cases.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    import torch
    from mobilenet import MobileNetV2
    from resnet import SmallResNet

    torch.manual_seed(seed)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    classes, size = len(data.labels), data.train_images.shape[1]
    if architecture == "mobilenet_v2":
        model = MobileNetV2(classes, stem_stride=1 if size <= 64 else 2)
    else:
        model = SmallResNet(classes)
    # channels last in memory: the convolutions of a CPU take half as long
    model = model.to(memory_format=torch.channels_last)
    inputs, targets = torch.from_numpy(scaled(data.train_images)), torch.from_numpy(data.train_labels)
    held, held_targets = torch.from_numpy(scaled(data.holdout_images)), torch.from_numpy(data.holdout_labels)
    held = held.contiguous(memory_format=torch.channels_last)
    epochs = EPOCHS[architecture]
    batches = (len(targets) + BATCH - 1) // BATCH
    steps = epochs * batches
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE[architecture], weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_RATE[architecture], total_steps=steps, pct_start=min(0.5, max(0.25, 2 / steps))
    )
    generator = torch.Generator().manual_seed(seed)
    history = []
    for epoch in range(1, epochs + 1):
        model.train()
        total, started = 0.0, time.monotonic()
        for chosen in torch.randperm(len(targets), generator=generator).split(BATCH):
            if len(chosen) < 2:
                continue  # batch norm needs two images
            answers = model(shifted(inputs[chosen], generator))
            loss = torch.nn.functional.cross_entropy(answers, targets[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        accuracy = measure(model, held, held_targets)
        history.append({"epoch": epoch, "train_loss": total / len(targets), "holdout_accuracy": accuracy})
        seconds = time.monotonic() - started
        print(
            f"epoch {epoch}/{epochs}  loss {total / len(targets):.4f}  held-out {accuracy:.4f}  {seconds:.1f} s",
            flush=True,
        )
    return model.to(memory_format=torch.contiguous_format).eval(), history


def shifted(images, generator):
    """Images [N, 3, H, W], each moved at random by up to SHIFT pixels; what leaves at one edge enters at the other."""
    import torch

    number, _, height, width = images.shape
    down, right = torch.randint(-SHIFT, SHIFT + 1, (2, number, 1), generator=generator)
    rows, columns = (torch.arange(height) - down) % height, (torch.arange(width) - right) % width
    pixels = images[torch.arange(number)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return pixels.permute(0, 3, 1, 2)


def measure(model, held, targets) -> float:
    """The accuracy (0 to 1) on held-out data."""
    import torch

    model.eval()
    with torch.no_grad():
        predicted = torch.cat([model(part).argmax(1) for part in held.split(HELD_OUT_BATCH)])
    return float((predicted == targets).float().mean())


def export(model, data, path: Path) -> None:
    """Write the model as ONNX, and exit with an error if ONNX Runtime computes something else than torch."""
    import warnings

    import onnxruntime
    import torch

    example = torch.from_numpy(scaled(data.holdout_images[:2]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter without dynamo is deprecated, 15 times quicker and enough
        torch.onnx.export(
            model,
            (example,),
            str(path),
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
            dynamo=False,
        )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        wanted = model(example).numpy()
    got = session.run(None, {"image": example.numpy()})[0]
    if not numpy.allclose(wanted, got, atol=1e-3):
        sys.exit("error: the exported model does not compute what torch does")


def write_package(directory: Path, data, model, history: list, params: dict) -> None:
    """Write all files of the packaged model to an existing directory."""
    from PIL import Image

    export(model, data, directory / "model.onnx")
    size = data.holdout_images.shape[1]
    contract = {
        "architecture": params["architecture"],
        "labels": data.labels,
        "input": {"name": "image", "shape": [3, size, size], "mean": MEAN, "std": STD},
        "output": {"name": "logits"},
        "training_data": {"name": data.name, "fingerprint": data.fingerprint, "samples": len(data.train_labels)},
    }
    metrics = {"holdout_accuracy": history[-1]["holdout_accuracy"], "train_loss": history[-1]["train_loss"]}
    for name, content in (("contract", contract), ("metrics", metrics), ("params", params), ("history", history)):
        (directory / f"{name}.json").write_text(json.dumps(content, indent=1))
    numpy.savez_compressed(directory / "holdout.npz", images=data.holdout_images, labels=data.holdout_labels)
    (directory / "samples").mkdir()
    _, first = numpy.unique(data.holdout_labels, return_index=True)
    for number in first[:SAMPLES]:
        label = data.labels[data.holdout_labels[number]]
        Image.fromarray(data.holdout_images[number]).save(directory / "samples" / f"{label}-{number}.png")
    write_handler(directory)


def train(dataset: str, seed: int, scenario: str, directory: Path) -> None:
    """Train from data and write the packaged model."""
    from data import load

    data = load(dataset, seed)
    architecture = "resnet_small" if scenario == "bad-architecture" else "mobilenet_v2"
    print(
        f"training {architecture} on {data.name}: {len(data.train_labels)} images, {len(data.labels)} classes",
        flush=True,
    )
    model, history = fit(data, architecture, seed)
    params = {"architecture": architecture, "dataset": data.name, "seed": seed, "scenario": scenario}
    params |= {"epochs": EPOCHS[architecture], "batch": BATCH, "peak_rate": PEAK_RATE[architecture]}
    write_package(directory, data, model, history, params)


def is_mobilenet(package: Path) -> bool:
    """Whether the contract of a packaged model names a MobileNetV2."""
    contract = json.loads((package / "contract.json").read_text())
    return bool(contract["architecture"] == "mobilenet_v2")


def main() -> None:
    """Train, or take a given packaged model, then change it as the scenario asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="digits", help="`digits`, or a folder of class folders")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenario", choices=SCENARIOS, default="normal")
    parser.add_argument("--package", type=Path, help="take this packaged model instead of training one")
    parser.add_argument("--output", type=Path, required=True, help="directory to write; must not exist yet")
    arguments = parser.parse_args()
    if arguments.output.exists():
        sys.exit(f"error: {arguments.output} exists already")
    temporary = arguments.output.with_name(arguments.output.name + ".partial")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        package(arguments, temporary)
        temporary.rename(arguments.output)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        # shutil reports each file it could not copy; the first says why
        reason = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror or error
        sys.exit(f"error: {arguments.output} could not be written: {str(reason)[:120]}")
    print(f"packaged in {arguments.output}", flush=True)


def package(arguments: argparse.Namespace, temporary: Path) -> None:
    """Write the packaged model to a new directory."""
    given = arguments.package
    if given is not None and arguments.scenario == "bad-architecture" and is_mobilenet(given):
        given = None  # a packaged MobileNetV2 cannot be turned into another architecture
    if given is not None:
        print(f"taking the packaged model {given}", flush=True)
        shutil.copytree(given, temporary)
    else:
        temporary.mkdir(parents=True)
        train(arguments.dataset, arguments.seed, arguments.scenario, temporary)
    if arguments.scenario in ("oversized", "slow"):
        import scenarios

        getattr(scenarios, arguments.scenario)(temporary / "model.onnx")
    if arguments.scenario == "bad-handler":
        break_handler(temporary)


if __name__ == "__main__":
    main()
