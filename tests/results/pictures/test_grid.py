"""The layout of panels: what stands where, read off the drawn figure."""

import itertools

import numpy as np
from matplotlib.text import Text

from results.pictures.grid import Part, Row, dotted, draw_grid

CAPTION = "What these are, in a sentence that is long enough for two lines or more. " * 4


def picture(seed: int, size: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def parts() -> list[Part]:
    first = [
        Row(f"a long name of a photo {at}.jpg", {"photo": picture(at), "ours": picture(at + 5)})
        for at in range(2)
    ]
    second = Row("b", {"photo": picture(7), "a heading of several lines, long": picture(8, 64)})
    third = Row("c", {"photo": picture(9), "more": picture(9)}, {"more": "NME 1.5"})
    return [Part("(a) Two", first), Part("", [second, third])]


def test_every_panel_shows_its_picture_in_one_size() -> None:
    figure = draw_grid("A title", parts(), CAPTION)
    assert len(figure.axes) == 8  # the two places of missing columns stay empty
    shown = {axis.get_label(): axis for axis in figure.axes}
    for part in parts():
        for down, row in enumerate(part.rows):
            for column, expected in row.pictures.items():
                axis = shown[f"{part.title}/{down}/{column}"]
                np.testing.assert_array_equal(np.asarray(axis.images[0].get_array()), expected)
    boxes = np.array([axis.get_window_extent().bounds for axis in figure.axes])
    np.testing.assert_allclose(boxes[:, 2:], boxes[0, 2], atol=0.01)
    lefts = np.unique(boxes[:, 0].round(2))
    assert len(lefts) == 3  # columns of both parts stand below each other


def test_all_text_is_inside_and_apart() -> None:
    figure = draw_grid("A title that is longer than one line of it may be " * 2, parts(), CAPTION)
    figure.draw_without_rendering()
    texts = [one for one in figure.findobj(Text) if isinstance(one, Text) and one.get_text()]
    told = " ".join(one.get_text().replace("\n", " ") for one in texts)
    assert CAPTION.strip() in told
    assert "(a) Two" in told
    assert "NME 1.5" in told
    assert "a heading of several lines, long" in told
    width, height = figure.get_size_inches() * figure.dpi
    boxes = [one.get_window_extent() for one in texts]
    panels = [axis.get_window_extent() for axis in figure.axes]
    for box in boxes:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height
    for one, two in itertools.combinations(boxes, 2):
        assert not one.overlaps(two)
    notes = [one for one in texts if one.get_text() == "NME 1.5"]
    for text, box in zip(texts, boxes, strict=True):
        assert text in notes or not any(box.overlaps(panel) for panel in panels)


def test_points_are_drawn_where_they_are_and_nowhere_else() -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    drawn = dotted(grey, np.array([[10.0, 20.0], [50.5, 40.0], [-30.0, 5.0], [70.0, 70.0]]))
    changed = np.argwhere((drawn != grey).any(axis=2))
    assert len(changed)
    for y, x in changed:
        assert min(np.hypot(x - 10, y - 20), np.hypot(x - 50.5, y - 40)) < 3
    assert tuple(drawn[20, 10]) != (128, 128, 128)
    assert (grey == 128).all()
