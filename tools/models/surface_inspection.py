"""Makes the bundle models/surface-inspection: renders parts, trains a small network, exports, measures, writes.

Run from anywhere with the `tools` extra installed: `python tools/models/surface_inspection.py`.
One thread throughout, because for a network this small a second one makes it slower.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from jidoka.host.renderer import CLASSES, COMMISSIONED, SIZE_PX, UNKNOWN_DEFECTS, Camera, render
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F  # noqa: N812 - everybody's name for it

BUNDLE = Path(__file__).resolve().parents[2] / "models" / "surface-inspection"
COMMAND = "python tools/models/surface_inspection.py"
TRAIN_SEED, TEST_SEED, TORCH_SEED = 20_260_101, 20_260_202, 7
TEST_IMAGES = 4_000
CONDITION_IMAGES = 1_000
EMBEDDING = 64
OPSET, IR_VERSION = 17, 8  # old enough for the onnxruntime builds of JetPack 5 and 6
GOAL = 0.96

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Logits = NDArray[np.float32]

GAINS = (1.0, 0.9, 0.8, 0.7)
CONDITIONS: dict[str, Camera] = {
    "as commissioned": COMMISSIONED,
    "offset +20 grey levels": Camera(offset=20.0),
    "blur 1 px": Camera(blur_px=1.0),
    "blur 2 px": Camera(blur_px=2.0),
    "noise 6 grey levels": Camera(noise=6.0),
    "noise 12 grey levels": Camera(noise=12.0),
    "lamp moved to 60°": Camera(light_deg=60.0),
    "lamp moved to 125°": Camera(light_deg=125.0),
    "5 dust specks": Camera(dust=5.0),
    "20 dust specks": Camera(dust=20.0),
    "scale 0.9": Camera(scale=0.9),
}


class Network(nn.Module):
    """uint8 grey images (batch, 1, 96, 96) to logits (batch, 4) and embedding (batch, 64), both float32."""

    def __init__(self) -> None:
        super().__init__()

        def block(width_in: int, width_out: int, kernel: int, stride: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(width_in, width_out, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm2d(width_out),
                nn.ReLU(),
            )

        self.stem = nn.Sequential(block(1, 16, 5, 2), block(16, 32, 3, 2))
        self.body = nn.Sequential(block(32, 48, 3, 2), block(48, 64, 3, 1), block(64, 72, 3, 2))
        self.embed = nn.Linear(2 * 72, EMBEDDING)
        self.classify = nn.Linear(EMBEDDING, len(CLASSES))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = image.to(torch.float32) * (1.0 / 128.0) - 0.5
        x = self.body(self.stem(x))
        # the largest response finds a pit, the mean sees the whole surface
        x = torch.cat((x.amax(dim=(2, 3)), x.mean(dim=(2, 3))), dim=1)
        embedding = self.embed(x)
        return self.classify(F.relu(embedding)), embedding


def train_camera(rng: np.random.Generator) -> Camera:
    """A station somewhere in its life: the lamp from 0.6 to 1.2, the rest near its commissioned setting."""
    return Camera(
        gain=float(rng.uniform(0.6, 1.2)),
        offset=float(rng.uniform(-8.0, 12.0)),
        blur_px=float(rng.choice((0.0, 0.0, 0.0, 0.3, 0.5, 0.7))),
        noise=float(rng.uniform(1.0, 4.0)),
        light_deg=float(rng.normal(COMMISSIONED.light_deg, 8.0)),
        dust=float(rng.choice((0.0, 0.0, 0.0, 1.0, 2.0, 3.0))),
        scale=float(rng.uniform(0.97, 1.03)),
    )


CameraOf = Callable[[np.random.Generator], Camera]


def always(camera: Camera) -> CameraOf:
    """The same station for every part."""
    return lambda _: camera


def draw_set(seed: int, count: int, camera_of: CameraOf) -> tuple[Images, Labels]:
    """`count` images, classes in turn, image n from the generator [seed, n]."""
    images = np.empty((count, 1, SIZE_PX, SIZE_PX), np.uint8)
    labels = np.arange(count, dtype=np.int64) % len(CLASSES)
    for n in range(count):
        rng = np.random.default_rng([seed, n])
        camera = camera_of(rng)
        images[n, 0] = render(CLASSES[labels[n]], rng, camera)
    return images, labels


def train(images: Images, labels: Labels, epochs: int, batch: int = 64) -> Network:
    """Fit a network with one cycle of the learning rate; prints one line an epoch."""
    torch.manual_seed(TORCH_SEED)
    network = Network()
    print(f"network: {sum(p.numel() for p in network.parameters()):,} parameters", flush=True)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    steps = len(x) // batch
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=epochs * steps)
    for epoch in range(epochs):
        started, loss_sum = time.perf_counter(), 0.0
        order = torch.randperm(len(x))
        for step in range(steps):
            pick = order[step * batch : (step + 1) * batch]
            logits, _ = network(x[pick])
            # smoothing keeps the confidence a little below 1, so that it still has something to say
            loss = F.cross_entropy(logits, y[pick], label_smoothing=0.02)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            loss_sum += loss.item()
        took_s = time.perf_counter() - started
        print(f"epoch {epoch + 1:2d} of {epochs}: loss {loss_sum / steps:.4f}, {took_s:.0f} s", flush=True)
    network.eval()
    return network


def export(network: Network, path: Path) -> None:
    """Write the ONNX file: named inputs and outputs, any batch, weights inside, no traces of this machine."""
    example = torch.zeros((2, 1, SIZE_PX, SIZE_PX), dtype=torch.uint8)
    names = ["logits", "embedding"]
    torch.onnx.export(
        network,
        (example,),
        str(path),
        input_names=["image"],
        output_names=names,
        dynamic_axes={name: {0: "batch"} for name in ("image", *names)},
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load(str(path))
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string = "jidoka", "", ""
    model.graph.name, model.graph.doc_string = "surface-inspection", ""
    del model.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def open_session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def logits_of(session: ort.InferenceSession, images: Images) -> Logits:
    return np.concatenate(
        [session.run(["logits"], {"image": part})[0] for part in np.array_split(images, 16)]
    )


def largest_disagreement(network: Network, session: ort.InferenceSession, images: Images) -> float:
    """The largest difference between PyTorch and onnxruntime over both outputs."""
    with torch.no_grad():
        ours = [tensor.numpy() for tensor in network(torch.from_numpy(images))]
    theirs = session.run(["logits", "embedding"], {"image": images})
    return max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))


@dataclass(frozen=True)
class Score:
    """How one set went: shares in 0 to 1, brightness in grey levels, confusion as counts [truth, answer]."""

    accuracy: float
    confidence: float
    brightness: float
    confusion: NDArray[np.int64]


def score(session: ort.InferenceSession, images: Images, labels: Labels) -> Score:
    logits = logits_of(session, images).astype(np.float64)
    chance = np.exp(logits - logits.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    answers = chance.argmax(axis=1)
    confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(confusion, (labels, answers), 1)
    return Score(
        float((answers == labels).mean()), float(chance.max(axis=1).mean()), float(images.mean()), confusion
    )


def unknown_answers(
    session: ort.InferenceSession, kind: str, count: int
) -> tuple[NDArray[np.float64], float]:
    """What the model says of a defect it never met: share of each class, and the mean confidence."""
    images = np.stack([render(kind, np.random.default_rng([TEST_SEED, 1, n]))[None] for n in range(count)])
    seen = score(session, images, np.zeros(count, np.int64))
    return seen.confusion[0] / count, seen.confidence


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) + ("---:",) * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def measure(session: ort.InferenceSession) -> tuple[Score, str]:
    """The headline score and the card's figures as Markdown."""
    by_gain = {
        gain: score(session, *draw_set(TEST_SEED, TEST_IMAGES, always(Camera(gain=gain)))) for gain in GAINS
    }
    headline = by_gain[1.0]
    text = f"Seeded test set of {TEST_IMAGES:,} images (seed {TEST_SEED}), classes in equal number, camera as commissioned: "
    text += f"**accuracy {headline.accuracy:.2%}**. Truth in rows, answers in columns:\n\n"
    text += table(
        ("truth", *CLASSES),
        [(kind, *(str(n) for n in headline.confusion[i])) for i, kind in enumerate(CLASSES)],
    )
    text += "\nThe same parts under a lamp that fails slowly:\n\n"
    text += table(
        ("gain", "mean brightness (grey levels)", "accuracy", "mean confidence"),
        [
            (f"{g:.1f}", f"{s.brightness:.1f}", f"{s.accuracy:.2%}", f"{s.confidence:.3f}")
            for g, s in by_gain.items()
        ],
    )
    text += f"\nOther settings of the camera, one at a time, {CONDITION_IMAGES:,} images each:\n\n"
    rows: list[tuple[str, ...]] = []
    for name, camera in CONDITIONS.items():
        seen = score(session, *draw_set(TEST_SEED + 1, CONDITION_IMAGES, always(camera)))
        rows.append((name, f"{seen.accuracy:.1%}", f"{seen.confidence:.3f}"))
    text += table(("camera", "accuracy", "mean confidence"), rows)
    text += f"\nDefects the model has no class for, {CONDITION_IMAGES:,} images each; the share that gets each answer:\n\n"
    rows = []
    for kind in UNKNOWN_DEFECTS:
        shares, confidence = unknown_answers(session, kind, CONDITION_IMAGES)
        rows.append((kind, *(f"{share:.1%}" for share in shares), f"{confidence:.3f}"))
    text += table(("defect", *(f"says {kind}" for kind in CLASSES), "mean confidence"), rows)
    return headline, text


MANIFEST = """\
# What this model is, what it may be used for, and what goes in and comes out. Written by its maker:
# {command}
format: 1
id: surface-inspection
version: 1.0.0
file: surface-inspection.onnx
sha256: {sha256}
maker: Jidoka project
licence: Apache-2.0
intended_use: Tells sound from defective turned flanges in the pictures of the built-in renderer, to show and test the monitoring chain.
not_for:
  - Inspecting real parts; it has never seen one.
  - Any decision that a person's safety depends on.
  - Defects outside its classes, such as a chipped edge or a stain; it was never shown one.
task: classifier
classes: [{classes}]
good_classes: [ok]
inputs:
  - {{name: image, dtype: uint8, shape: [batch, 1, 96, 96], layout: NCHW, colour: grey, unit: grey level, range: [0, 255], monitored: true}}
outputs:
  - {{name: logits, dtype: float32, shape: [batch, 4], unit: nat, role: logits}}
  - {{name: embedding, dtype: float32, shape: [batch, 64], unit: "1", role: embedding}}
limits: {{min_confidence: 0.5}}
figures: {{accuracy: {accuracy:.4f}, test_images: {test_images}, seed: {seed}, command: "{command}"}}
"""


def write_bundle(folder: Path, headline: Score, figures: str) -> None:
    """Write the manifest, and the card's figures between its two marks."""
    digest = hashlib.sha256((folder / "surface-inspection.onnx").read_bytes()).hexdigest()
    (folder / "manifest.yaml").write_text(
        MANIFEST.format(
            sha256=digest,
            classes=", ".join(CLASSES),
            accuracy=headline.accuracy,
            test_images=TEST_IMAGES,
            seed=TEST_SEED,
            command=COMMAND,
        ),
        encoding="utf-8",
    )
    start, end = "<!-- figures: written by the maker -->", "<!-- end of figures -->"
    card = BUNDLE / "CARD.md"
    before, _, rest = card.read_text(encoding="utf-8").partition(start)
    after = rest.partition(end)[2]
    (folder / "CARD.md").write_text(f"{before}{start}\n\n{figures}\n{end}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=24_000, help="training images")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path, default=BUNDLE, help="folder that gets the bundle")
    parser.add_argument("--measure-only", action="store_true", help="measure the model that is there already")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "surface-inspection.onnx"
    started = time.perf_counter()
    if not arguments.measure_only:
        print(f"seeds: training {TRAIN_SEED}, test {TEST_SEED}, torch {TORCH_SEED}", flush=True)
        images, labels = draw_set(TRAIN_SEED, arguments.images, train_camera)
        print(
            f"rendered {len(images):,} training images in {time.perf_counter() - started:.0f} s", flush=True
        )
        network = train(images, labels, arguments.epochs)
        export(network, path)
        gap = largest_disagreement(network, open_session(path), images[:256])
        print(
            f"{path.name}: {path.stat().st_size:,} bytes; onnxruntime and torch differ by at most {gap:.1e}",
            flush=True,
        )
        if gap > 1e-3:
            raise SystemExit(
                "the exported model does not compute what was trained; nothing written to the manifest"
            )
    headline, figures = measure(open_session(path))
    print(figures)
    if headline.accuracy < GOAL:
        raise SystemExit(
            f"accuracy {headline.accuracy:.2%} is below {GOAL:.0%}; nothing written to the manifest"
        )
    write_bundle(arguments.out, headline, figures)
    print(f"wrote {arguments.out} in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
