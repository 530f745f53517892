"""Which stages a table needs, on real data or on the synthetic world."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from protocols.roots import is_dir, resolve_root
from results.augmenting.finding import usual_source
from results.reproducing import recipes
from results.reproducing.profiles import PHOTOS, PROFILES, Data, Profile, ProfileName
from results.reproducing.recipes import Method
from results.reproducing.stages import Given, Needed, Stage
from results.synthetic.options import NAMES, Name
from results.tables import table1, table2, table3
from results.tables.places import Places
from results.tables.rows import Column, Row

Kind = Literal["recognizer", "expression"]
TRAINED: Mapping[str, tuple[Kind, Method | None]] = {
    "res18": ("recognizer", None),
    "res18-rotate-and-render": ("recognizer", "rotate-and-render"),
    "res18-cfr-gan": ("recognizer", "cfr-gan"),
    "casia": ("recognizer", None),
    "casia-cfr-gan": ("recognizer", "cfr-gan"),
    "vgg16": ("expression", None),
    "vgg16-cfr-gan": ("expression", "cfr-gan"),
}
"""The weights of Tables 1–3: what is trained, and what its training set is augmented by. Tables 1
and 2 share their networks: the paper names both after ResNet18 and CASIA-WebFace."""
ROWS: Mapping[str, Sequence[Row]] = {
    "table1": table1.ROWS,
    "table2": table2.ROWS,
    "table3": table3.ROWS,
}
COLUMNS: Mapping[str, Sequence[Column]] = {
    "table1": table1.COLUMNS,
    "table2": table2.COLUMNS,
    "table3": table3.COLUMNS,
}
_EXACT = ("lfw", "ijba")
"""Made-up sets whose facial points are those of their ``points.csv``; IJB-B and IJB-C publish five
points themselves, as the official release does."""
_SETS: Mapping[Kind, Name] = {"recognizer": "casia", "expression": "rafdb"}
_POINTS: Mapping[Data, Mapping[Kind, Mapping[str, Any]]] = {
    "real": {"recognizer": {"landmarks": "aligned"}, "expression": {}},
    "synthetic": {
        "recognizer": {"landmarks": "aligned"},
        "expression": {"points": "rafdb/points.csv"},
    },
}
"""Options of augment.py about facial points: CASIA-WebFace's crops are ArcFace's; RAF-DB's faces
are looked for, or known where they are made up."""


@dataclass(frozen=True)
class Experiment:
    """What tables are measured on, and how much of it.

    Attributes:
        data: Of real people, or of the synthetic world.
        size: The profile's name.
        start: Weights that expression classifiers start from.
    """

    data: Data
    size: ProfileName
    start: Path | None = None

    @property
    def sentence(self) -> str:
        """What it is, to begin with."""
        who = "people who do not exist" if self.data == "synthetic" else "real people"
        return f"Data: {self.data}, {who}. Profile: {self.size}."

    @property
    def profile(self) -> Profile:
        """How large it is."""
        return PROFILES[self.size]

    def tests(self, table: str) -> dict[str, Stage]:
        """The made-up protocols of a table, by name; none of real data."""
        if self.data == "real":
            return {}
        return {name: self._made_up(name) for name in protocols_of(table)}

    def trainings(self, table: str) -> dict[str, tuple[Stage, ...]]:
        """The trainings that a table needs: its weights' name → one for each seed.

        Of real data only those that can be trained here and are not at hand as an ONNX file.
        """
        found: dict[str, tuple[Stage, ...]] = {}
        for row in ROWS.get(table, ()):
            if row.reported or (self.data == "real" and self._needless(table, row)):
                continue
            kind, method = TRAINED[row.weights]
            if self.data == "synthetic" or is_dir(resolve_root(_SETS[kind]).path):
                found[row.weights] = tuple(self._trainings(kind, method))
        return found

    def _needless(self, table: str, row: Row) -> bool:
        """Whether a row's network is at hand, or there is nothing to measure it on."""
        nothing = lacking_roots(table) == protocols_of(table)
        return nothing or bool(Places().files(row.weights))

    def places(self, table: str, base: Path) -> Places:
        """Where a table finds all that, once it is made.

        Args:
            table: Its name.
            base: The folder of stages.
        """
        tests = {name: stage.folder(base) / name for name, stage in self.tests(table).items()}
        trained = {
            weights: tuple(
                recipes.network_of(*_named(weights), stage.folder(base), seed)
                for stage, seed in zip(stages, self.profile.seeds, strict=True)
            )
            for weights, stages in self.trainings(table).items()
        }
        return Places(
            roots=tests,
            points={name: root / "points.csv" for name, root in tests.items() if name in _EXACT},
            trained=trained,
            told={"data": self.data, "profile": self.size},
            notes=tuple(self._notes(trained)),
        )

    def _notes(self, trained: Mapping[str, object]) -> Iterator[str]:
        if self.data == "synthetic":
            yield (
                "Made-up people: the photos are drawn by the built-in face model, which also "
                "restores and augments here. What this says of methods need not hold for photos of "
                "people."
            )
        if trained:
            seeds = ", ".join(map(str, self.profile.seeds))
            share = self.profile.augment.get("share", 1.0)
            yield (
                f"Trained for this table, profile {self.size}, seeds {seeds}: each network sees as "
                f"many photos as any other of its kind, augmented or not. Augmented: a version of "
                f"{100 * share:g} % of the training photos."
            )

    def _made_up(self, name: Name) -> Stage:
        trained_on = name in _SETS.values()
        scale = self.profile.scale if trained_on else self.profile.tests
        return recipes.made_up(name, scale, PHOTOS[scale].get(name, 0))

    def _trainings(self, kind: Kind, method: Method | None) -> Iterator[Stage]:
        source, below = self._training_set(kind)
        if method is not None:
            source, below = self._augmented(kind, method), "set"
        title, profile = _title(kind, method), self._validated()
        for seed in profile.seeds:
            yield recipes.TRAININGS[kind](title, source, below, profile, seed)

    def _validated(self) -> Profile:
        """The profile, with what to start from.

        Where LFW is not there to watch a training by, some people are held out.
        """
        profile = self.profile
        if self.start is not None:
            profile = replace(profile, expression={**profile.expression, "start": self.start})
        if not profile.recognizer.get("validate_on"):
            return profile
        if self.data == "real" and is_dir(resolve_root("lfw").path):
            return profile
        return replace(
            profile, recognizer={**profile.recognizer, "validate_on": (), "hold_out": 20}
        )

    def _training_set(self, kind: Kind) -> tuple[Needed, str]:
        """A set as it is, and its root there."""
        name = _SETS[kind]
        if self.data == "real":
            return Given(resolve_root(name).path), ""
        return self._made_up(name), name

    def _augmented(self, kind: Kind, method: Method) -> Stage:
        source, below = self._training_set(kind)
        name, scale = _SETS[kind], self.profile.scale
        options = {**self.profile.augment, **_POINTS[self.data][kind]}
        if not options.keys() & {"landmarks", "points"}:
            options["landmarks"] = usual_source()
        return recipes.augmented(source, below, method, options, PHOTOS[scale][name])


def _named(weights: str) -> tuple[Kind, str]:
    """What is trained, and what its trainings are called."""
    kind, method = TRAINED[weights]
    return kind, _title(kind, method)


def _title(kind: Kind, method: Method | None) -> str:
    return f"{kind} {method or 'plain'}"


def protocols_of(table: str) -> list[Name]:
    """The names of a table's protocols, in order."""
    if table == "table4":
        return ["aflw2000"]
    asked = {column.protocol for column in COLUMNS[table]}
    return [name for name in NAMES if name in asked]


def lacking_roots(table: str) -> list[str]:
    """The protocols of a table whose roots are not there."""
    return [name for name in protocols_of(table) if not is_dir(resolve_root(name).path)]
