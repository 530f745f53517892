from cfr.camera import Camera
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from results.figures.views import YAWS, _random, draw_views


def test_three_faces_from_five_sides(small_model: MorphableModel) -> None:
    figure = draw_views(small_model, Camera().resized(32), seed=1)
    assert len(figure.axes) == 3 * len(YAWS)
    pictures = [axes.get_images()[0].get_array() for axes in figure.axes]
    assert len({picture.tobytes() for picture in pictures if picture is not None}) == 15
    for picture in pictures:
        assert picture is not None
        assert picture.shape == (32, 32, 3)
        assert 0.1 < (picture < 1).any(-1).mean() < 0.95


def test_a_random_expression_stays_within_the_models_limits() -> None:
    model = load_model("builtin")
    weights = _random(model, seed=0)["expression"].expression
    assert (weights >= model.expression_low).all()
    assert (weights <= model.expression_high).all()
    assert (weights == model.expression_low).any()  # else nothing was cut
    assert weights.std() > 0.3
