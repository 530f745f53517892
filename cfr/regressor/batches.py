"""Training batches, each drawn from the seed, the step and the place of a sample in it alone.

So a run that goes on at step 1,000 sees what it would have seen, on one process or on several with
the same batch in all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from torch.utils.data import Dataset

from cfr.align import Alignment
from cfr.fit.parts import Part, cut
from cfr.morphable.model import MorphableModel
from cfr.occluders.hand import Hand
from cfr.occluders.kinds import occlude
from cfr.regressor import pictures
from cfr.regressor.moving import Move, move_coefficients
from cfr.regressor.preparing import MIRRORED
from cfr.regressor.presets import Augmentation, Mix
from cfr.regressor.samples import KINDS, Frame, SampleFiles
from cfr.training.reading_ahead import order_of_round, require_shares
from protocols.errors import BadInput

WORN = "worn"
"""The name of a sample's own masked picture among the occluders."""
_VALIDATION = 1 << 40  # seeds of validation's draws start here
_SHADED = Hand(style="shaded")


class Batch(NamedTuple):
    """Samples as a network is trained on them.

    Attributes:
        given: ``(b, 3, s, s)`` what the network sees: RGB in [0, 1], occluded or not.
        clean: ``(b, 3, s, s)`` the same without occluders, patches and loss of resolution.
        points: ``(b, 68, 2)`` pixels.
        vector: ``(b, n)`` coefficients in the crop's camera; of a mirrored photo they are unknown.
        photo: ``(b,)`` whether it is a photo in its own pose.
        known: ``(b,)`` whether the vector is known.
        lit: ``(b,)`` whether its lighting is, too.
        estimated: ``(b,)`` whether a network estimated the points.
    """

    given: Tensor
    clean: Tensor
    points: Tensor
    vector: Tensor
    photo: Tensor
    known: Tensor
    lit: Tensor
    estimated: Tensor


class _One(NamedTuple):
    """A sample of a batch, with the matrix and tilt that move its coefficients."""

    given: Tensor
    clean: Tensor
    points: np.ndarray
    row: int
    matrix: np.ndarray
    tilt: float
    jitter: np.ndarray | None
    flipped: bool


@dataclass(frozen=True, eq=False)
class Draws(Dataset[Batch]):
    """The batches of a run, by step.

    Attributes:
        files: The samples.
        model: Their face model, on the CPU.
        frame: Their sizes.
        mix: What a batch is made of.
        amounts: How pictures are changed.
        batch: Samples of a batch, over all processes.
        seed: Of everything drawn.
        held_out: Draw from the samples for validation, and not from those for training.
        rank: This process.
        ranks: Processes.
    """

    files: SampleFiles
    model: MorphableModel
    frame: Frame
    mix: Mix
    amounts: Augmentation
    batch: int
    seed: int
    held_out: bool = False
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        """Every kind of sample that is asked for has to be there."""
        require_shares(self.batch, self.ranks)
        for kind, count in self.counts.items():
            if count and not len(self.rows[kind]):
                where = "the part for validation" if self.held_out else "the part for training"
                pairs = " with a masked picture" if self.mix.pairs else ""
                raise BadInput(self.files.folder, "", f"{kind} samples{pairs} in {where}", "none")

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Samples of each kind in a batch; rounding goes to the last kind that has a share."""
        shares = {kind: getattr(self.mix, kind) for kind in KINDS}
        shares = {kind: share for kind, share in shares.items() if share > 0}
        whole = sum(shares.values())
        counts = {kind: round(self.batch * share / whole) for kind, share in shares.items()}
        last = list(counts)[-1]
        counts[last] += self.batch - sum(counts.values())
        return counts

    @cached_property
    def rows(self) -> Mapping[str, Int64[np.ndarray, " n"]]:
        """The samples of each kind that may be drawn."""
        usable = self.files.held_out == self.held_out
        if self.mix.pairs:
            usable = usable & self.files.masked
        return {
            kind: np.flatnonzero(usable & (self.files.kinds == place))
            for place, kind in enumerate(KINDS)
        }

    @cached_property
    def _landmarks(self) -> Part:
        return cut(self.model, self.model.landmarks)

    def steps_of_epochs(self, epochs: int) -> int:
        """How many batches that is: the kind that comes round last decides."""
        longest = max(len(self.rows[kind]) / count for kind, count in self.counts.items() if count)
        return int(np.ceil(epochs * longest))

    def __getitem__(self, step: int) -> Batch:
        """The batch of a step, or this process's part of it."""
        chosen = self._chosen(step)[self.rank :: self.ranks]
        places = range(self.rank, self.batch, self.ranks)
        base = _VALIDATION if self.held_out else 0
        drawn = [
            self._draw(int(row), np.random.default_rng((self.seed, base + step, place)))
            for row, place in zip(chosen, places, strict=True)
        ]
        return self._together(drawn)

    def _chosen(self, step: int) -> Int64[np.ndarray, " batch"]:
        """Each kind in an order of its own, which changes when it has come round."""
        rows = []
        for place, (kind, count) in enumerate(self.counts.items()):
            of_kind = self.rows[kind]
            at = np.arange(step * count, (step + 1) * count)
            rounds = at // max(len(of_kind), 1)
            for turn in np.unique(rounds).tolist():
                order = order_of_round(len(of_kind), self.seed, place, turn)
                rows.append(of_kind[order[at[rounds == turn] % len(of_kind)]])
        return np.concatenate(rows)

    def _draw(self, row: int, rng: np.random.Generator) -> _One:
        amounts, size = self.amounts, self.frame.crop
        photo = KINDS[self.files.kinds[row]] == "photo"
        flipped = photo and rng.uniform() < amounts.flip
        move = self._move(rng)
        matrix = move.matrix(self.frame)
        alignment = Alignment(matrix, size, antialias=False)
        marks = self.files.points[row].astype(np.float64)
        if flipped:
            marks = marks[MIRRORED] * (-1, 1) + (self.frame.wide - 1, 0)

        def picture(*, masked: bool = False) -> np.ndarray:
            wide = self.files.image(row, masked=masked)
            return alignment.crop(np.ascontiguousarray(wide[:, ::-1]) if flipped else wide)

        clean = given = picture()
        points = alignment.to_crop(marks)
        if rng.uniform() < amounts.occluded:
            kind = self._occluder(row, rng)
            if kind == WORN:
                given = picture(masked=True)
            elif kind:
                options = _SHADED if kind == "hand" and rng.uniform() < self._shaded else None
                seed = int(rng.integers(2**31))
                given = occlude(clean, points, kind, seed, options=options).image
        shown = self._spoiled(_tensor(given), rng)
        drawn = pictures.draw_jitter(rng, amounts.jitter_by)
        jitter = drawn if rng.uniform() < amounts.jitter else None
        return _One(shown, _tensor(clean), points, row, matrix, move.tilt, jitter, flipped)

    @property
    def _shaded(self) -> float:
        """Where only hands are drawn they are the paper's, flat; else some look like skin."""
        return 0.15 if len(self.amounts.occluders) > 1 else 0.0

    def _move(self, rng: np.random.Generator) -> Move:
        amounts = self.amounts
        tilt = rng.uniform(-1, 1) * amounts.tilt
        if rng.uniform() < amounts.turned:
            tilt += rng.uniform(-1, 1) * amounts.turned_by
        across, down = (rng.uniform(-1, 1, 2) * amounts.shift * self.frame.crop / 224).tolist()
        scale = 1 + float(rng.uniform(-1, 1)) * amounts.scale
        return Move(float(np.radians(tilt)), scale, (across, down))

    def _occluder(self, row: int, rng: np.random.Generator) -> str:
        """A kind of occluder; a sample without a masked picture gets another one, or none."""
        shares = dict(self.amounts.occluders)
        if not self.files.masked[row]:
            shares.pop(WORN, None)
        if not shares:
            return ""
        weights = np.array(list(shares.values()))
        return list(shares)[int(rng.choice(len(shares), p=weights / weights.sum()))]

    def _spoiled(self, given: Tensor, rng: np.random.Generator) -> Tensor:
        amounts = self.amounts
        if rng.uniform() < amounts.erased:
            given = pictures.erase(given, rng, amounts)
        if rng.uniform() < amounts.coarse:
            given = pictures.coarsen(given[None], amounts.coarse_by)[0]
        if rng.uniform() < amounts.framed:
            given = pictures.frame(given, pictures.draw_frame(rng, amounts, self.frame.crop))
        return given

    def _together(self, drawn: list[_One]) -> Batch:
        rows = np.array([one.row for one in drawn])
        given, clean = (torch.stack([getattr(one, n) for one in drawn]) for n in ("given", "clean"))
        jittered = torch.tensor([one.jitter is not None for one in drawn])
        if jittered.any():
            factors = np.stack([one.jitter for one in drawn if one.jitter is not None])
            amounts = torch.from_numpy(factors).float()
            both = torch.cat((given[jittered], clean[jittered]))
            both = pictures.jitter(both, torch.cat((amounts, amounts)))
            given[jittered], clean[jittered] = both.chunk(2)
        vector = move_coefficients(
            torch.from_numpy(self.files.coefficients[rows]),
            torch.tensor([one.tilt for one in drawn]),
            torch.from_numpy(np.stack([one.matrix for one in drawn])).float(),
            self.model.layout(),
            self._landmarks,
            self.frame,
        )
        kinds = self.files.kinds[rows]
        known = ~torch.tensor([one.flipped for one in drawn])
        turned = torch.from_numpy(kinds == KINDS.index("turned"))
        return Batch(
            given=given,
            clean=clean,
            points=torch.from_numpy(np.stack([one.points for one in drawn])).float(),
            vector=vector,
            photo=torch.from_numpy(kinds == KINDS.index("photo")),
            known=known,
            lit=known & ~turned & ~jittered,
            estimated=torch.from_numpy(self.files.estimated[rows]),
        )


def _tensor(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1).float() / 255
