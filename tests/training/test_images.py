"""Transforms of rows that are images, against scipy.ndimage on one image at a time."""

import numpy as np
import pytest
from scipy import ndimage

from skregnet.tables import Scale, standard_scale
from skregnet.training.augmentation import Flip, Rotate, Shift, Zoom
from skregnet.training.augmentation.images import OnOriginalScale, resample

SHAPES = [(5, 5), (4, 7), (6, 3, 2), (1, 8)]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_transform = pytest.mark.parametrize("cls", [Shift, Rotate, Flip, Zoom])


def rows_of(shape, n=9, dtype=np.float64):
    """Images of the shape, flattened, all pixels different, and targets."""
    rows = np.random.default_rng(n).uniform(1.0, 2.0, size=(n, int(np.prod(shape))))
    return rows.astype(dtype), np.zeros((n, 1), dtype)


def by_scipy(rows, shape, move):
    """Return move(i, image) of every image, channel by channel."""
    images = rows.reshape(len(rows), *shape[:2], -1)
    new = np.empty_like(images)
    for i, image in enumerate(images):
        for channel in range(images.shape[3]):
            new[i, ..., channel] = move(i, image[..., channel])
    return new.reshape(rows.shape)


def moved(transform, rows, targets, seed=5):
    new, same = transform(rows, targets, np.random.default_rng(seed))
    assert same is targets
    return new


# Against scipy ---------------------------------------------------------------------------------


@every_shape
@pytest.mark.parametrize("fill", [0.0, -3.0])
def test_shift_is_that_of_scipy(shape, fill):
    rows, targets = rows_of(shape)
    amount = np.random.default_rng(5).uniform(-1.7, 1.7, size=(9, 2))
    wanted = by_scipy(
        rows, shape,
        lambda i, image: ndimage.shift(image, amount[i], order=1, mode="grid-constant", cval=fill),
    )  # fmt: skip
    new = moved(Shift(1.7, shape, fill), rows, targets)
    np.testing.assert_allclose(new, wanted, rtol=0, atol=1e-12)


@every_shape
@pytest.mark.parametrize("fill", [0.0, -3.0])
@pytest.mark.parametrize("degrees", [20.0, 180.0])
def test_rotate_is_that_of_scipy(shape, fill, degrees):
    rows, targets = rows_of(shape)
    angle = np.random.default_rng(5).uniform(-degrees, degrees, size=9)
    wanted = by_scipy(
        rows, shape,
        lambda i, image: ndimage.rotate(
            image, angle[i], reshape=False, order=1, mode="grid-constant", cval=fill
        ),
    )  # fmt: skip
    new = moved(Rotate(degrees, shape, fill), rows, targets)
    np.testing.assert_allclose(new, wanted, rtol=0, atol=1e-12)


@every_shape
@pytest.mark.parametrize("fill", [0.0, -3.0])
def test_zoom_is_that_of_scipy_about_the_centre(shape, fill):
    rows, targets = rows_of(shape)
    factor = 1 + np.random.default_rng(5).uniform(-0.5, 0.5, size=9)

    def zoom(i, image):
        centre = (np.array(image.shape) - 1) / 2
        return ndimage.affine_transform(
            image, np.eye(2) / factor[i], centre - centre / factor[i], order=1,
            mode="grid-constant", cval=fill,
        )  # fmt: skip

    new = moved(Zoom(0.5, shape, fill), rows, targets)
    np.testing.assert_allclose(new, by_scipy(rows, shape, zoom), rtol=0, atol=1e-12)


@every_shape
def test_flip_mirrors_some_images_left_for_right(shape):
    rows, targets = rows_of(shape, n=200)
    new = moved(Flip(0.3, shape), rows, targets)
    chosen = np.random.default_rng(5).random(200) < 0.3
    images = rows.reshape(200, *shape[:2], -1)
    mirrored = np.stack([[line[::-1] for line in image] for image in images]).reshape(rows.shape)
    np.testing.assert_array_equal(new, np.where(chosen[:, np.newaxis], mirrored, rows))
    assert 30 < chosen.sum() < 90
    twice = moved(Flip(1.0, shape), moved(Flip(1.0, shape), rows, targets), targets)
    np.testing.assert_array_equal(twice, rows)


# What each must do -----------------------------------------------------------------------------


@pytest.mark.parametrize("down, right", [(1, 0), (0, -2), (2, 1), (-1, -3), (0, 0), (9, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_shift_by_whole_pixels_moves_them_and_fills_the_rest(down, right, dtype):
    images = rows_of((5, 6, 2), dtype=dtype)[0].reshape(9, 5, 6, 2)
    wanted = np.roll(images, (down, right), axis=(1, 2))
    i, j = np.ogrid[:5, :6]
    inside = (i - down >= 0) & (i - down < 5) & (j - right >= 0) & (j - right < 6)
    wanted[:, ~inside] = 7.0
    new = resample(images, np.eye(2), np.array([-down, -right]), 7.0)
    np.testing.assert_array_equal(new, wanted)
    assert new.dtype == dtype


def test_a_quarter_turn_is_exact():
    images = rows_of((6, 6))[0].reshape(9, 6, 6, 1)
    quarter = np.array([[0.0, 1.0], [-1.0, 0.0]])
    new = resample(images, quarter, np.zeros(2), 0.0)
    np.testing.assert_array_equal(new, np.rot90(images, axes=(1, 2)))


@pytest.mark.parametrize("transform", [Shift(0), Rotate(0), Zoom(0), Flip(0)], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_strength_is_no_change_to_the_bit(transform, dtype):
    rows, targets = rows_of((5, 5), dtype=dtype)
    np.testing.assert_array_equal(moved(transform, rows, targets), rows)


@pytest.mark.parametrize("cls", [Shift, Rotate, Zoom])
def test_images_of_a_batch_do_not_touch_and_move_each_by_an_amount_of_its_own(cls):
    rows = np.tile(np.linspace(1.0, 2.0, 49) ** 2, (20, 1))
    rows[::2] = 100.0
    new = moved(cls(), rows, rows[:, :1])
    assert new[1::2].max() <= 4.0 + 1e-12
    assert len(np.unique(np.round(new[1::2].sum(axis=1), 9))) == 10


@every_transform
def test_channels_move_together(cls):
    gray, targets = rows_of((5, 4))
    colour = np.stack([gray, 10 * gray, -gray], axis=2).reshape(9, -1)
    new = moved(cls(image_shape=(5, 4, 3)), colour, targets).reshape(9, 20, 3)
    one = moved(cls(image_shape=(5, 4)), gray, targets)
    np.testing.assert_allclose(new, np.stack([one, 10 * one, -one], axis=2), rtol=1e-13)


@every_transform
def test_rows_without_a_shape_are_square_and_grayscale(cls):
    rows, targets = rows_of((7, 7))
    np.testing.assert_array_equal(
        moved(cls(), rows, targets), moved(cls(image_shape=(7, 7)), rows, targets)
    )


# Units -----------------------------------------------------------------------------------------


@every_transform
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_bound_transform_acts_on_the_pixels_of_the_user(cls, dtype):
    """Columns have a centre and a spread each, so pixels cannot move while they are scaled."""
    pixels, targets = rows_of((6, 6), n=30)
    pixels *= np.linspace(1.0, 9.0, 36)
    pixels[:, 0] = 3.0  # a constant column has no spread to be scaled by
    scale = standard_scale(pixels)
    scaled = scale.transform(pixels, dtype)
    bound = cls().bind(scale)
    assert bound.needs_dense
    new = moved(bound, scaled, targets)
    wanted = scale.transform(moved(cls(), pixels, targets), dtype)
    assert new.dtype == dtype
    np.testing.assert_allclose(new, wanted, rtol=0, atol=1e-4 if dtype == np.float32 else 1e-12)
    assert np.abs(new - scaled).max() > 0.1


def test_what_comes_in_from_outside_is_filled_in_the_units_of_the_user():
    pixels, targets = rows_of((6, 6), n=30)
    scale = standard_scale(pixels)
    bound = OnOriginalScale(Shift(100.0, fill=1.5), scale)
    new = moved(bound, scale.transform(pixels, np.float64), targets)
    gone = np.abs(np.random.default_rng(5).uniform(-100, 100, (30, 2))).max(axis=1) > 7
    assert gone.sum() > 20
    np.testing.assert_allclose(scale.inverse_transform(new[gone]), 1.5, rtol=1e-12)


@every_transform
def test_columns_that_are_not_scaled_need_no_round_trip(cls):
    transform = cls()
    assert transform.bind(Scale()) is transform


def test_a_bound_transform_is_weakened_in_its_own_units():
    scale = standard_scale(rows_of((5, 5))[0])
    weak = Rotate(10.0, (5, 5), 2.0).bind(scale).weakened(0.5)
    assert weak.transform == Rotate(5.0, (5, 5), 2.0) and weak.scale is scale


# Bad input -------------------------------------------------------------------------------------


@every_transform
@pytest.mark.parametrize(
    "shape, d", [(None, 12), (None, 27), ((3, 5), 16), ((3, 3, 3), 9)], ids=str
)
def test_a_shape_that_does_not_match_the_columns_raises_by_name(cls, shape, d):
    message = f"'image_shape' parameter of {cls.__name__} .* for {d} columns"
    with pytest.raises(ValueError, match=message):
        cls(image_shape=shape)(np.zeros((2, d)), np.zeros((2, 1)), np.random.default_rng(0))


@every_transform
@pytest.mark.parametrize("shape", [(4,), (2, 3, 4, 5), (0, 4), (2.0, 8), 16, "ab", (True, 4)])
def test_a_shape_that_is_none_raises_by_name(cls, shape):
    with pytest.raises(ValueError, match=f"'image_shape' parameter of {cls.__name__}"):
        cls(image_shape=shape).check()


@every_transform
def test_shapes_of_two_and_three_numbers_pass(cls):
    for shape in (None, (4, 5), (4, 5, 3), [4, 5], (np.int64(4), 5)):
        cls(image_shape=shape).check()


@pytest.mark.parametrize(
    "transform, name",
    [
        (Shift(-1), "pixels"),
        (Shift(np.inf), "pixels"),
        (Shift(fill=np.nan), "fill"),
        (Rotate(-1.0), "degrees"),
        (Rotate(181.0), "degrees"),
        (Rotate(fill="0"), "fill"),
        (Zoom(1.0), "amount"),
        (Zoom(-0.1), "amount"),
        (Zoom(fill=None), "fill"),
        (Flip(1.5), "p"),
        (Flip("0.5"), "p"),
    ],
    ids=repr,
)
def test_a_value_out_of_range_raises_by_name(transform, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of {type(transform).__name__}"):
        transform.check()
