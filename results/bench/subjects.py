"""What can be benchmarked: one function a subject, and the dictionary that names them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from results.bench.timing import Quality, Timing, python_process, time_pairs


def startup(root: Path | None, repeats: int) -> Iterator[Timing]:
    """How long ``--help`` takes, against a bare ``import numpy``."""
    numpy = python_process("-c", "import numpy")
    for script in ("reproduce.py", "doctor.py", "fetch.py"):
        run = python_process(f"scripts/{script}", "--help")
        yield time_pairs(f"{script} --help", run, "python -c 'import numpy'", numpy, repeats)


def table4(root: Path | None, repeats: int) -> Iterator[Timing]:
    """The whole command, MLflow store included, against a bare ``import mlflow``."""
    words = ("--root", str(root.resolve())) if root else ()
    yield time_pairs(
        "reproduce.py table4 --source released",
        python_process("scripts/reproduce.py", "table4", "--source", "released", *words),
        "python -c 'import mlflow'",
        python_process("-c", "import mlflow"),
        repeats,
    )


def bootstrap(root: Path | None, repeats: int) -> Iterator[Timing]:
    """Table 4's bootstrap (4 rows, 2,000 images, 3 bins, 10,000 resamples) against SciPy's."""
    from scipy import stats

    from eval.intervals import bootstrap_means

    values = np.random.default_rng(0).gamma(2.0, 1.5, (4, 2000))
    bin_of = np.repeat([0, 1, 2], [1306, 462, 232])

    def ours() -> object:
        rng = np.random.default_rng(1)
        return bootstrap_means(values, bin_of, resamples=10_000, rng=rng)

    def scipys() -> object:
        return [
            stats.bootstrap(
                (values[:, bin_of == index],),
                np.mean,
                n_resamples=10_000,
                method="percentile",
                axis=-1,
                vectorized=True,
                batch=500,
                rng=1,
            )
            for index in range(3)
        ]

    yield time_pairs("bootstrap of Table 4", ours, "scipy.stats.bootstrap", scipys, repeats)


def render(root: Path | None, repeats: int) -> Iterator[Timing]:
    """Our rasterizer against PyTorch3D's CPU path, on a mesh of the Basel crop's size."""
    from results.bench.rasterizing import time_rasterizer

    yield from time_rasterizer(repeats)


def fit(root: Path | None, repeats: int) -> Iterator[Timing]:
    """Fitting a face of the Basel crop's size, against drawing it once."""
    from results.bench.fitting import time_fit

    yield from time_fit(repeats)


def face_model(root: Path | None, repeats: int) -> Iterator[Timing | Quality]:
    """How long the built-in face model takes to load, and how good dlib finds its faces."""
    from results.bench.face_model import measure

    yield from measure(root, repeats)


def score(root: Path | None, repeats: int) -> Iterator[Timing]:
    """Verification and identification at the size of IJB-C, against a loop of the usual shape."""
    from results.bench.scoring import time_scoring

    yield from time_scoring(repeats)


def load(root: Path | None, repeats: int) -> Iterator[Timing]:
    """Reading and checking the metadata of IJB-C, against reading them unchecked with pandas."""
    from results.bench.loading import time_loading

    yield from time_loading(repeats)


def embed(root: Path | None, repeats: int) -> Iterator[Timing]:
    """From photos to cached embeddings, against a plain loop."""
    from results.bench.embedding import time_embedding

    yield from time_embedding(repeats)


def regress(root: Path | None, repeats: int) -> Iterator[Timing]:
    """The regressor at work and in training, against its bare network."""
    from results.bench.regressing import time_regressor

    yield from time_regressor(repeats)


def pairs(root: Path | None, repeats: int) -> Iterator[Timing]:
    """Swap-R&R pairs from photos and points to PNGs, against drawing a face once."""
    from results.bench.pairing import time_making

    yield from time_making(repeats)


def train_gan(root: Path | None, repeats: int) -> Iterator[Timing]:
    """A step of CFR-GAN's training, against the generator's own forward and backward."""
    from results.bench.gan_training import time_gan_training

    yield from time_gan_training(repeats)


def train_recognizer(root: Path | None, repeats: int) -> Iterator[Timing]:
    """A step of a recognizer's training against its bare network, and batches drawn against it."""
    from results.bench.recognizer_training import time_recognizer_training

    yield from time_recognizer_training(repeats)


def restore(root: Path | None, repeats: int) -> Iterator[Timing]:
    """The generator folded, and from an aligned crop to the restored image."""
    from results.bench.restoring import time_restoring

    yield from time_restoring(repeats)


def augment(root: Path | None, repeats: int) -> Iterator[Timing]:
    """Versions of training pictures by each method, against encoding the pictures again."""
    from results.bench.augmenting import time_augmenting

    yield from time_augmenting(repeats)


def synth(root: Path | None, repeats: int) -> Iterator[Timing | Quality]:
    """Photos of made-up people, and what can be learned of a world that is there."""
    from results.bench.synthesizing import measure_world

    yield from measure_world(root, repeats)


SUBJECTS: Mapping[str, Callable[[Path | None, int], Iterator[Timing | Quality]]] = {
    "startup": startup,
    "table4": table4,
    "bootstrap": bootstrap,
    "render": render,
    "fit": fit,
    "face-model": face_model,
    "score": score,
    "load": load,
    "embed": embed,
    "regress": regress,
    "pairs": pairs,
    "train-gan": train_gan,
    "train-recognizer": train_recognizer,
    "restore": restore,
    "augment": augment,
    "synth": synth,
}
