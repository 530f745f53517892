"""Reading the metadata of IJB-C: made-up files of its size, checked by us, unchecked by pandas."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from protocols.counts import FILE
from protocols.ijb_release import load_verification
from protocols.types import VerificationProtocol
from results.bench.timing import Timing, time_pairs
from results.bench.worlds import IJBC, Size, make_world, write_release


def time_loading(repeats: int, size: Size = IJBC) -> Iterator[Timing]:
    """Write a protocol in insightface's layout, without photos, and read it back.

    Args:
        repeats: Timed pairs.
        size: Another size than IJB-C's; a ``counts.json`` then stands for the official counts.
    """
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        world = make_world(size)
        write_release(world, root)
        if size != IJBC:
            counts = {"photos": size.images, "templates": size.templates}
            counts |= {"pairs": size.pairs, "genuine": size.genuine}
            (root / FILE).write_text(json.dumps({"why": "made up", "counts": counts}))
        files = sorted((root / "IJBC/meta").iterdir())
        found: list[VerificationProtocol] = []

        def ours() -> None:
            found[:] = [load_verification(root, "IJB-C", missing="failure-to-enrol")]

        def unchecked() -> None:
            for path in files:
                pd.read_csv(path, sep=" ", header=None)

        subject = f"metadata of {size.name}, read and checked"
        timing = time_pairs(subject, ours, "pandas, unchecked", unchecked, repeats)
        megabytes = sum(path.stat().st_size for path in files) / 1e6
        same = bool((found[0].pairs.right == world.right).all())
        told = f"{megabytes:,.0f} MB; the same pairs: {'yes' if same else 'no'}"
        yield replace(timing, note=told)
