"""Small sets of made-up faces, cut as ArcFace wants them, with their 68 points."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from cfr.align import ARCFACE_112, similarity
from cfr.gan.generator import Generator, GeneratorSize
from cfr.gan.weights import save_generator
from cfr.morphable.sources import load_model
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes
from protocols.images import encode_jpeg
from protocols.record_writer import RecordWriter
from recognizers.templates import arcface
from results.augmenting import running
from results.augmenting.options import Augment
from results.export.faces import cut, restored_points

LABELS = (0, 0, 0, 1, 1, 2)
"""Whose face each picture shows; the third has no face that is found, the fifth points of none."""
UNKNOWN, STRANGE = 2, 4
SIDE = 64


@dataclass(frozen=True)
class Crops:
    """Pictures and where their faces are.

    Attributes:
        contents: Encoded.
        points: ``(68, 2)`` in the pixels of each; None where nothing is found.
        root: Of files; ``weights`` is a generator that was never trained.
    """

    contents: tuple[bytes, ...]
    points: tuple[np.ndarray | None, ...]
    root: Path

    @property
    def weights(self) -> str:
        return str(self.root / "tiny.safetensors")

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def folders(self, root: Path) -> Path:
        """Writes the set as folders; the points' file lies beside."""
        for at, (label, content) in enumerate(zip(LABELS, self.contents, strict=True)):
            path = root / f"p{label}" / f"{at}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.write_points(root, [f"p{label}/{at}.jpg" for at, label in enumerate(LABELS)])
        return root

    def records(self, root: Path) -> Path:
        with RecordWriter(root, height=112, width=112) as writer:
            for content, label in zip(self.contents, LABELS, strict=True):
                writer.add(content, label)
        self.write_points(root, [f"record {at + 1}" for at in range(len(LABELS))])
        return root

    def write_points(self, root: Path, names: list[str]) -> None:
        with root.with_suffix(".csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["file", *(f"{axis}{i}" for i in range(1, 69) for axis in "xy")])
            for name, points in zip(names, self.points, strict=True):
                if points is not None:
                    rows.writerow([name, *points.ravel().tolist()])

    def options(self, dataset: Path, out: Path, **changes: object) -> Augment:
        given: dict = {
            "weights": self.weights,
            "landmarks": "sidecar",
            "landmarks_root": dataset.with_suffix(".csv"),
            "cache": self.cache,
            "jobs": 1,
            "device": "cpu",
            "seed": 3,
        }
        return Augment(dataset, out, **{**given, **changes})


@pytest.fixture(scope="session")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Crops:
    root = tmp_path_factory.mktemp("crops")
    torch.manual_seed(0)
    net = Generator(GeneratorSize(width=4, blocks=1))
    save_generator(root / "tiny.safetensors", net, {"seed": "0"}, side=SIDE)
    model, count = load_model("builtin"), len(LABELS)
    sampler = IdentitySampler(model)
    settings = SceneSettings(size=160, yaw_degrees=30.0, noise=0.0)
    people = [sampler.draw(label) for label in LABELS]
    contents, points = [], []
    for scene in draw_scenes(model, people, list(range(count)), settings):
        face = restored_points(scene.points)
        crop, _ = cut(scene.photo, face, arcface(112), smooth=True)
        matrix = similarity(face.five, ARCFACE_112)
        contents.append(encode_jpeg(crop, 95))
        points.append(scene.points @ matrix[:, :2].T + matrix[:, 2])
    points[STRANGE] = np.random.default_rng(0).permutation(points[STRANGE])
    known = [None if at == UNKNOWN else one for at, one in enumerate(points)]
    return Crops(tuple(contents), tuple(known), root)


@pytest.fixture(autouse=True)
def two_pictures_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PICTURES_A_PART", 2)
