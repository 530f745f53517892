"""Cards as a researcher writes them, and what they make of a convention."""

from dataclasses import replace
from pathlib import Path

import pytest

from protocols.errors import BadInput
from recognizers.card import Card, input_of, read_card
from recognizers.templates import arcface, dlib_chip, sphereface, whole
from recognizers.types import Input

USUAL = Input("RGB", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), arcface())


def card(tmp_path: Path, text: str) -> Card:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    return read_card(tmp_path / "mine.onnx")


def test_a_full_card_is_read(tmp_path: Path) -> None:
    text = """
    colour = "BGR"  # of the network
    mean = [104, 117.0, 123.5]
    std = [1.5, 2, 3]
    template = "sphereface"
    width = 96
    height = 112
    architecture = "iresnet18"
    output = "embedding"
    """
    assert card(tmp_path, text) == Card(
        "BGR",
        (104.0, 117.0, 123.5),
        (1.5, 2.0, 3.0),
        "sphereface",
        96,
        112,
        "iresnet18",
        "embedding",
        tmp_path / "mine.toml",
    )


def test_one_number_stands_for_three_and_what_is_left_out_stays_silent(tmp_path: Path) -> None:
    found = card(tmp_path, "mean = 127.5\nstd = 128\n")
    assert (found.mean, found.std) == ((127.5,) * 3, (128.0,) * 3)
    assert replace(found, mean=None, std=None, file=None) == Card()


def test_no_card_says_nothing(tmp_path: Path) -> None:
    assert read_card(tmp_path / "mine.onnx") == Card()
    (tmp_path / "mine.onnx.toml").write_text("nothing to do with it")
    assert read_card(tmp_path / "mine.onnx") == Card()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("color = 'BGR'", r"mine\.toml, key 'color': expected one of colour, mean"),
        ("colour = 'bgr'", r"mine\.toml, colour: expected \"RGB\" or \"BGR\", found 'bgr'"),
        ("colour = ['RGB']", r"colour: expected \"RGB\" or \"BGR\", found \['RGB'\]"),
        ("mean = [1, 2]", r"mean: expected a number, or a list of three, found \[1, 2\]"),
        ("mean = '127.5'", "mean: expected a number"),
        ("mean = [1, 2, true]", "mean: expected a number"),
        ("mean = nan", "mean: expected a number"),
        ("std = 0", "std: expected a number above 0, or a list of three, found 0"),
        ("std = [1, 0.0, 1]", "std: expected a number above 0"),
        ("std = -1.0", "std: expected a number above 0"),
        ("std = inf", "std: expected a number above 0"),
        ("template = 'cosface'", "template: expected one of arcface, sphereface, dlib, whole"),
        ("width = 112.0", "width: expected a whole number"),
        ("width = true", "width: expected a whole number"),
        ("height = 0", "height: expected a whole number"),
        ("height = 100000", "height: expected a whole number"),
        ("architecture = 18", "architecture: expected a name"),
        ("output = ''", "output: expected a name"),
        ("colour = RGB", r"mine\.toml: expected a recognizer card in TOML"),
    ],
)
def test_what_a_card_cannot_say_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        card(tmp_path, text)


def test_a_card_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"colour = '\xff\xfe'")
    with pytest.raises(BadInput, match=r"mine\.toml: expected a recognizer card"):
        read_card(tmp_path / "mine.pth")


def test_a_silent_card_leaves_the_convention_as_it_is() -> None:
    assert input_of(Card(), USUAL) == USUAL
    assert input_of(Card(), USUAL, (112, 112)) == USUAL
    assert input_of(Card(), USUAL, (224, 224)).template == arcface(224)


def test_what_a_card_says_goes_before_the_convention() -> None:
    said = Card(colour="BGR", mean=(7.0, 8.0, 9.0), std=(1.0, 1.0, 2.0), template="dlib")
    assert input_of(said, USUAL) == Input("BGR", (7.0, 8.0, 9.0), (1.0, 1.0, 2.0), dlib_chip())


def test_statistics_stay_with_their_colours_when_channels_are_exchanged() -> None:
    found = input_of(Card(colour="BGR"), USUAL)
    assert (found.mean, found.std) == ((3.0, 2.0, 1.0), (6.0, 5.0, 4.0))
    assert input_of(Card(colour="RGB"), USUAL) == USUAL
    said = input_of(Card(colour="BGR", mean=(7.0, 8.0, 9.0)), USUAL)
    assert (said.mean, said.std) == ((7.0, 8.0, 9.0), (6.0, 5.0, 4.0))


def test_sizes_come_from_the_file_the_card_or_custom() -> None:
    def template(said: Card, size: tuple[int, int] | None = None):
        return input_of(said, USUAL, size).template

    assert template(Card(template="sphereface")) == sphereface()
    assert template(Card(template="whole"), (64, 80)) == whole(64, 80)
    assert template(Card(template="whole")) == whole(112, 112)
    assert template(Card(template="whole", width=64, height=80)) == whole(64, 80)
    assert template(Card(template="dlib"), (224, 224)) == dlib_chip(224)
    assert template(Card(width=128, height=128)) == arcface(128)
    assert template(Card(width=112, height=112), (112, 112)) == arcface()


def test_a_card_that_contradicts_the_file_is_told(tmp_path: Path) -> None:
    found = card(tmp_path, "width = 128\nheight = 128")
    with pytest.raises(BadInput, match=r"mine\.toml, width and height: expected 112 × 112.*128"):
        input_of(found, USUAL, (112, 112))
    found = card(tmp_path, "template = 'sphereface'")
    with pytest.raises(BadInput, match=r"mine\.toml, template.*112 × 112 pixels, found.*96 × 112"):
        input_of(found, USUAL, (112, 112))
    with pytest.raises(ValueError, match="square"):
        input_of(Card(), USUAL, (96, 112))
