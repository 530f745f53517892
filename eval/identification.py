"""Identification: who of a gallery is it, if anybody?

A probe is *mated* if its person is in the gallery. Rank-k and the CMC ask of mated probes how
often their own person is among the first k templates; open-set identification also has to reject
the non-mated ones (Grother, Ngan and Hanaoka, "Face Recognition Vendor Test (FRVT) Part 2:
Identification", NISTIR 8271).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from eval.curve import Rule
from eval.roc import OperatingPoint, tar_at_far
from eval.tail import check_scores


@dataclass(frozen=True, eq=False)
class Search:
    """What a search of a gallery says of each probe.

    Attributes:
        mate: ``(p,)`` the best score of the probe's own person; −∞ if it has none, or failed to
            enrol on either side.
        rank: ``(p,)`` 1 + the number of other people's templates that score at least as much (ties
            count against the method); 0 where the probe is not mated.
        impostor: ``(p,)`` the best score of anybody else; −∞ if there is none.
        mated: ``(p,)`` whether the probe's person is in the gallery.
    """

    mate: Float32[np.ndarray, " p"]
    rank: Int64[np.ndarray, " p"]
    impostor: Float32[np.ndarray, " p"]
    mated: Bool[np.ndarray, " p"]

    def __len__(self) -> int:
        return len(self.mate)

    def found(self, k: int) -> Bool[np.ndarray, " p"]:
        """Which probes have their own person among the first k, as a person that enrolled."""
        return self.mated & (self.rank <= k) & (self.mate > -np.inf)

    def scores(self, rank: int) -> Float32[np.ndarray, " p"]:
        """What a threshold is compared with: FAR and TAR of these are FPIR and DIR.

        Non-mated probes have their best score; mated ones that of their own person, and −∞ if that
        is not among the first ``rank``.
        """
        own = np.where(self.found(rank), self.mate, np.float32(-np.inf))
        return np.where(self.mated, own, self.impostor)


def rank_rate(search: Search, k: int) -> float:
    """Share of mated probes whose own person is among the first k.

    Raises:
        ValueError: There is no mated probe, k is below 1, or a score is NaN or +∞.
    """
    return float(cmc(search, k)[-1])


def cmc(search: Search, most: int) -> Float64[np.ndarray, " most"]:
    """The cumulative match characteristic: the rank-k rates for k = 1 … ``most``.

    Raises:
        ValueError: There is no mated probe, ``most`` is below 1, or a score is NaN or +∞.
    """
    check_scores(search.mate, search.mated, "probe")
    check_scores(search.impostor, search.mated, "probe")
    mated = int(np.count_nonzero(search.mated))
    if not mated or most < 1:
        raise ValueError(f"needs mated probes and a rank from 1, got {mated} and {most}")
    counts = np.bincount(search.rank[search.found(most)], minlength=most + 1)
    return np.cumsum(counts[1:]) / mated


def dir_at_far(
    search: Search, fars: Sequence[float], rule: Rule, rank: int = 1
) -> tuple[OperatingPoint, ...]:
    """Detection and identification rate at a false alarm rate, also called TPIR at FPIR.

    The false alarm rate is the share of non-mated probes whose best score reaches the threshold;
    the rate is the share of mated probes with their own person among the first ``rank`` and a
    score that reaches it. All four rules of ``eval.curve.Rule`` apply as they do to pairs: the
    non-mated probes are the impostors.

    Args:
        search: Of one gallery. Galleries that are merged leave no non-mated probe.
        fars: In (0, 1].
        rule: See ``eval.curve.Rule``.
        rank: The last rank that counts as identified.

    Returns:
        A point for each FAR; ``tar`` is the rate. It is None, with a reason, if there is no mated
        or no non-mated probe, or fewer than ten non-mated scores lie within the FAR.

    Raises:
        ValueError: A score is NaN or +∞, a FAR is outside (0, 1], or the rank is below 1.
    """
    if rank < 1:
        raise ValueError(f"needs a rank from 1, got {rank}")
    check_scores(search.mate, search.mated, "probe")
    check_scores(search.impostor, search.mated, "probe")
    return tar_at_far(search.scores(rank), search.mated, fars, rule)
