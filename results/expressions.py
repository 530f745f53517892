"""Which expression a face has: a network with a number for each class, on photos that are cut."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64

from cfr.frontalizers.sources import NONE
from protocols.errors import BadInput
from protocols.types import ExpressionProtocol, Samples
from recognizers.types import Recognizer
from recognizers.variations import AS_IS
from results.export.contents import Contents
from results.export.exporter import Exporter, Way
from results.export.locating import ALIGNED, Setup, locate
from results.export.work import Show, no_bar


class Expressions:
    """Some photos of a protocol, to be classified by any network.

    The photos are cut already and are fed whole, resized to what a network takes.

    Args:
        protocol: The photos and their classes; a network's numbers are in the order of these.
        rows: Which photos.
        setup: Where the work is done, and where answers are kept; its landmarks are ``aligned``:
            there are no points, and the whole photo is the face.
        show: Progress.

    Raises:
        BadInput: A photo cannot be read.
        ValueError: The setup has other landmarks.
    """

    def __init__(
        self,
        protocol: ExpressionProtocol,
        rows: Int64[np.ndarray, " r"],
        setup: Setup,
        show: Show = no_bar,
    ) -> None:
        if setup.landmarks != ALIGNED:
            raise ValueError(f"landmarks: expected {ALIGNED}, found {setup.landmarks}")
        every = protocol.samples
        contents = Contents.of(Samples(every.photos, every.photo[rows], every.absent[rows]))
        places = locate(contents, setup, show, dense=False)
        self._exporter = Exporter(contents, places, setup, show)
        self._classes, self._labels = protocol.classes, protocol.labels[rows]

    @property
    def warnings(self) -> list[str]:
        """What a user has to know of the cache."""
        return self._exporter.warnings

    def network(self, file: Path) -> Recognizer:
        """The network of a file.

        Raises:
            BadInput: It does not give a number for each class, or is no network.
        """
        found = self._exporter.recognizer(_way(file))
        if found.dimension != len(self._classes):
            expected = f"{len(self._classes)} numbers a face: {', '.join(self._classes)}"
            raise BadInput(file, "output", expected, str(found.dimension))
        return found

    def answers(self, file: Path) -> Int64[np.ndarray, " r"]:
        """The class that a network sees in each photo.

        The largest of its numbers decides; of several that are alike, the first.

        Raises:
            BadInput: As of :meth:`network`; or a photo is damaged.
            BadAnswer: A number is not finite.
        """
        self.network(file)
        rows = np.arange(len(self._labels))
        (answers,) = self._exporter.vectors([_way(file)], NONE, rows)
        return answers.argmax(axis=1)

    def right(self, file: Path) -> Bool[np.ndarray, " r"]:
        """Which photos a network is right about; errors as of :meth:`answers`."""
        return self.answers(file) == self._labels


def _way(file: Path) -> Way:
    return Way(str(file), None, AS_IS)
