"""What a run has done so far, in a file beside its pictures: a line a photo, once it is done.

A killed run finds there what it need not do again. The first line holds the options: a run with
others is refused, because the folder would hold pictures of both.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from protocols.errors import BadInput
from protocols.types import InputFile

FILE = "frontalized.jsonl"
_FORMAT = "frontalized-1"


@dataclass(frozen=True)
class Written:
    """A face, and the files that came of it.

    Attributes:
        photo: Where it was found.
        face: Number of the face in the photo, from 1.
        found_by: The detector.
        box: Left, top, right, bottom in the photo's pixels.
        pitch_degrees: Of the face in the photo; positive looks down. None where nobody looked.
        yaw_degrees: Positive turns the nose to the image's right.
        roll_degrees: Positive is anticlockwise in the image.
        files: Name → file.
        points: The 68 landmarks of the result, x and y in its pixels.
    """

    photo: str
    face: int
    found_by: str
    box: tuple[float, ...]
    pitch_degrees: float | None
    yaw_degrees: float | None
    roll_degrees: float | None
    files: dict[str, str]
    points: tuple[tuple[float, float], ...] = ()

    @classmethod
    def again(cls, plain: Mapping[str, Any]) -> "Written":
        """From plain values."""
        lists = {
            "box": tuple(plain["box"]),
            "points": tuple((x, y) for x, y in plain["points"]),
        }
        return cls(**{**plain, **lists})


@dataclass(frozen=True)
class Done:
    """A photo that was looked at.

    Attributes:
        photo: Its path in the folder.
        stem: What its files' names begin with.
        sha256: Of its bytes; empty if they could not be read.
        found: How many faces were found; None for a photo that could not be read.
        faces: Those that were chosen, with their files.
    """

    photo: str
    stem: str
    sha256: str
    found: int | None
    faces: tuple[Written, ...] = ()


class Manifest:
    """The photos of a folder that are done.

    Args:
        out: The folder of the pictures.
        options: Of this run, as plain values.

    Raises:
        BadInput: The folder was begun with other options, or its manifest is damaged.
    """

    def __init__(self, out: Path, options: Mapping[str, Any]) -> None:
        self._out, self._path = out, out / FILE
        self._done: dict[str, Done] = {}
        head = {"format": _FORMAT, "options": json.loads(json.dumps(options))}
        lines = self._lines()
        if lines:
            self._check(lines[0], head["options"])
            for number, line in enumerate(lines[1:], 2):
                one = self._parsed(number, line)
                self._done[one.photo] = one
        else:
            out.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(head) + "\n", encoding="utf-8")

    def find(self, photo: str, stem: str, path: Path) -> Done | None:
        """What was done with a photo, if it is still the same and its files are still there."""
        one = self._done.get(photo)
        if one is None or one.stem != stem or one.sha256 != sha256_of(path):
            return None
        files = [self._out / file for face in one.faces for file in face.files.values()]
        return one if all(file.is_file() for file in files) else None

    def add(self, done: Done) -> None:
        """Note that a photo is done."""
        self._done[done.photo] = done
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(done)) + "\n")

    def _lines(self) -> list[str]:
        """The whole lines; what a killed run left half-written is cut off."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BadInput(self._path, "", "a file that can be read", str(error)) from error
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with self._path.open("r+b") as file:
                file.truncate(len(whole))
        try:
            return whole.decode("utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise BadInput(self._path, "", "text in UTF-8", str(error)) from error

    def _check(self, line: str, options: Mapping[str, Any]) -> None:
        head = self._json(1, line)
        if head.get("format") != _FORMAT or not isinstance(head.get("options"), dict):
            raise BadInput(self._path, "line 1", f"the format {_FORMAT}", line[:80])
        before = head["options"]
        changed = [
            name
            for name in dict.fromkeys((*options, *before))
            if before.get(name) != options.get(name)
        ]
        if changed:
            raise BadInput(
                self._path,
                "",
                f"a run with {_said(options, changed)}; another folder takes it",
                f"one with {_said(before, changed)}",
            )

    def _parsed(self, number: int, line: str) -> Done:
        plain = self._json(number, line)
        try:
            faces = tuple(Written.again(one) for one in plain["faces"])
            found = plain["found"] if plain["found"] is None else int(plain["found"])
            return Done(**{**plain, "faces": faces, "found": found})
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(self._path, f"line {number}", "a photo's line", str(error)) from error

    def _json(self, number: int, line: str) -> dict[str, Any]:
        try:
            plain = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadInput(self._path, f"line {number}", "JSON", str(error)) from error
        if not isinstance(plain, dict):
            raise BadInput(self._path, f"line {number}", "a JSON object", line[:80])
        return plain


def sha256_of(path: Path) -> str:
    """Of a file's bytes; empty if it cannot be read."""
    try:
        return InputFile.of(path).sha256
    except OSError:
        return ""


def _said(options: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{name} {options.get(name, 'not given')}" for name in names)
