"""From photos to cached embeddings, against the loop that people write for it.

The loop decodes each photo, fits the similarity to the template, warps, and calls the network, one
face at a time and without a cache; it is fed the same points. What the pipeline adds is digests,
the cache, and blocks; what it gains are processes and never computing anything twice.
"""

import csv
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from cfr.morphable.sources import load_model
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes
from protocols.images import save_image
from protocols.types import VerificationProtocol
from recognizers.sources import load_recognizer
from results.bench.timing import Timing, time_pairs
from results.export.ground import one_thread
from results.loading import Source, load_verification
from results.pipeline import Chosen, Embedding, Exported, embed

PEOPLE = 64


def time_embedding(repeats: int) -> Iterator[Timing]:
    """An iresnet18 with random weights on 128 made-up photos of 224²."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        protocol, five = _world(root)
        loop = _Loop(root, protocol, five)
        options = Embedding(
            landmarks="sidecar", landmarks_root=root / "points.csv", probe=False, jobs=1
        )
        plain, turned = (Chosen(str(root / "net.onnx"), name) for name in ("none", "render"))
        cases = {
            "embed, one process": (options, plain),
            "embed, all cores": (replace(options, jobs=0), plain),
            "embed, one process, render before": (options, turned),
        }
        for subject, (how, system) in cases.items():
            run = _Fresh(root, protocol, how, system)
            timing = time_pairs(subject, run, "plain loop, one thread", loop, repeats)
            yield replace(timing, note=_note(timing, run, loop, system))
        kept = replace(options, cache=root / "kept")
        again = _Kept(protocol, kept, plain)
        timing = time_pairs(
            "embed, all of it cached", again, "plain loop, one thread", loop, repeats
        )
        yield replace(timing, note=_note(timing, again, loop, plain))


class _Kept:
    """The pipeline with one cache."""

    def __init__(self, protocol: VerificationProtocol, options: Embedding, system: Chosen) -> None:
        self._protocol, self._options, self._system = protocol, options, system
        self.exported: Exported | None = None

    def __call__(self) -> None:
        self.exported = embed(self._protocol, [self._system], self._options)


class _Fresh(_Kept):
    """The pipeline with a new cache at each call."""

    def __init__(
        self, root: Path, protocol: VerificationProtocol, options: Embedding, system: Chosen
    ) -> None:
        super().__init__(protocol, options, system)
        self._root = root

    def __call__(self) -> None:
        with tempfile.TemporaryDirectory(dir=self._root) as cache:
            self._options = replace(self._options, cache=Path(cache))
            super().__call__()


class _Loop:
    """Decode, align, embed, mirror, embed; face by face."""

    def __init__(self, root: Path, protocol: VerificationProtocol, five: dict[str, np.ndarray]):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            root / "net.onnx", options, providers=["CPUExecutionProvider"]
        )
        self._places = np.array(load_recognizer(str(root / "net.onnx")).input.template.five)
        names = [str(one) for one in protocol.samples.photos.names]
        self._faces = [(root / name, five[Path(name).name]) for name in names]
        self.vectors = np.empty(0)

    def __call__(self) -> None:
        with one_thread():
            self.vectors = np.stack([self._embed(path, five) for path, five in self._faces])

    def _embed(self, path: Path, five: np.ndarray) -> np.ndarray:
        from skimage.transform import SimilarityTransform

        photo = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if photo is None:
            raise FileNotFoundError(path)
        matrix = SimilarityTransform.from_estimate(five, self._places).params[:2]
        crop = cv2.warpAffine(photo, matrix, (112, 112))
        sides = []
        for side in (crop, crop[:, ::-1]):
            fed = ((side.astype(np.float32) - 127.5) / 127.5).transpose(2, 0, 1)[None]
            name = self._session.get_inputs()[0].name
            (vectors,) = self._session.run(None, {name: np.ascontiguousarray(fed)})
            sides.append(np.asarray(vectors)[0])
        return np.stack(sides)


def _note(timing: Timing, run: _Kept, loop: _Loop, system: Chosen) -> str:
    faces = len(loop.vectors)
    words = f"{1000 * timing.seconds / faces:.3g} ms a face, mirrored too"
    if run.exported is None or system.frontalizer != "none":
        return words
    one = run.exported.embeddings[0]
    sides = [side for side in (one.faces, one.mirrored) if side is not None]
    both = np.stack(sides, axis=1)
    apart = np.abs(both - loop.vectors).max() / np.abs(loop.vectors).max()
    return f"{words}; answers within {apart:.1g} of the loop's"


def _world(root: Path) -> tuple[VerificationProtocol, dict[str, np.ndarray]]:
    """Photos, points, pairs and a network; the five points of each photo by its name."""
    import torch

    from recognizers.iresnet import ARCHITECTURES, IResNet
    from recognizers.onnx_export import export_onnx

    network = IResNet(ARCHITECTURES["iresnet18"], generator=torch.Generator().manual_seed(0)).eval()
    export_onnx(network, (112, 112), root / "net.onnx")
    model = load_model("builtin")
    persons = [one for seed in range(PEOPLE) for one in [IdentitySampler(model).draw(seed)] * 2]
    scenes = draw_scenes(model, persons, list(range(2 * PEOPLE)), SceneSettings())
    five, rows = {}, []
    for index, scene in enumerate(scenes):
        name = f"{index:03d}.png"
        save_image(root / name, scene.photo)
        rows.append([name, *scene.points.ravel().tolist()])
        points = scene.points
        eyes = (points[[36, 42]] + points[[39, 45]]) / 2
        five[name] = np.concatenate((eyes, points[[30, 48, 54]]))
    with (root / "points.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", *(f"{axis}{at}" for at in range(1, 69) for axis in "xy")])
        table.writerows(rows)
    lines = [f"{2 * at:03d}.png,{2 * at + 1:03d}.png,1" for at in range(PEOPLE)]
    (root / "pairs.csv").write_text("\n".join(["left,right,same", *lines]))
    return load_verification(Source(str(root / "pairs.csv")))[0], five
