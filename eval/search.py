"""Searching a gallery for each probe, in blocks: what rank-k and DIR@FAR are computed from.

No table of all scores is kept: of each probe only the score of its own person, the best score of
anybody else, and how many others come before its own person.
"""

import numpy as np
from jaxtyping import Bool, Float32, Int64

from eval.identification import Search

_TABLE = 2_000_000
"""Scores held at a time."""


def search(
    gallery: Float32[np.ndarray, "g d"],
    probes: Float32[np.ndarray, "p d"],
    gallery_subjects: Int64[np.ndarray, " g"],
    probe_subjects: Int64[np.ndarray, " p"],
    *,
    gallery_enrolled: Bool[np.ndarray, " g"] | None = None,
    probes_enrolled: Bool[np.ndarray, " p"] | None = None,
) -> Search:
    """Search the gallery for every probe, by the dot product of vectors of length 1.

    Args:
        gallery: A row a template.
        probes: A row a template.
        gallery_subjects: Whose each is; a person may have several templates.
        probe_subjects: Whose each is.
        gallery_enrolled: Templates that have a vector; others score −∞ against every probe.
        probes_enrolled: Likewise; such a probe finds nobody, and its own person comes last.

    Raises:
        ValueError: The gallery is empty, or a vector is not finite.
    """
    if not len(gallery):
        raise ValueError("there is nobody in the gallery to search")
    for name, vectors in (("gallery", gallery), ("probe", probes)):
        finite = np.isfinite(np.einsum("td,td->t", vectors, vectors))
        if not finite.all():
            raise ValueError(f"{name} template {int(np.argmin(finite))}: its vector is not finite")
    count = len(probes)
    mate, impostor = (np.empty(count, np.float32) for _ in range(2))
    rank, mated = np.zeros(count, np.int64), np.isin(probe_subjects, gallery_subjects)
    rows = max(1, _TABLE // len(gallery))
    for start in range(0, count, rows):
        part = slice(start, start + rows)
        scores = probes[part] @ gallery.T
        if gallery_enrolled is not None:
            scores[:, ~gallery_enrolled] = -np.inf
        if probes_enrolled is not None:
            scores[~probes_enrolled[part]] = -np.inf
        own = probe_subjects[part, None] == gallery_subjects
        mate[part] = np.max(scores, axis=1, where=own, initial=-np.inf)
        others = np.count_nonzero((scores >= mate[part, None]) & ~own, axis=1)
        rank[part] = np.where(mated[part], 1 + others, 0)
        scores[own] = -np.inf
        impostor[part] = scores.max(axis=1)
    return Search(mate=mate, rank=rank, impostor=impostor, mated=mated)
