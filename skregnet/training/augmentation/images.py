"""Small movements of images whose pixels are the columns: shift, rotation, zoom, mirror image."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from numbers import Integral

import numpy as np
from scipy.ndimage import map_coordinates

from .base import BatchTransform


class ImageTransform(BatchTransform):
    """Base class of transforms of rows that are flattened images, in the user's pixel units."""

    needs_dense = True
    acts_on_pixels = True

    def check(self):
        """Raise ValueError unless image_shape is None or two or three positive ints."""
        shape = self.image_shape
        ok = isinstance(shape, Sequence) and len(shape) in (2, 3)
        ok = ok and all(isinstance(n, Integral) and not isinstance(n, bool) for n in shape)
        ok = shape is None or (ok and min(shape) > 0)
        expected = "None or a tuple (height, width) or (height, width, channels) of positive ints"
        self._require(ok, "image_shape", expected)

    def bind(self, scale):
        """Return the transform that undoes the scaling, acts on pixels and scales again."""
        return self if scale.factor is None else OnOriginalScale(self, scale)

    def __call__(self, X, Y, rng):
        """Return the rows as moved images, and Y."""
        images = X.reshape(len(X), *self._shape_of(X.shape[1]))
        return np.ascontiguousarray(self._move(images, rng)).reshape(X.shape), Y

    def _shape_of(self, d):
        """Return (height, width, channels) of images with d pixels."""
        side = isqrt(d)
        shape = (side, side) if self.image_shape is None else tuple(self.image_shape)
        if np.prod(shape) != d:
            wanted = (
                "given for images that are not square grayscale, (height, width) or (height, "
                "width, channels)"
                if self.image_shape is None
                else "a shape whose product is the number of columns"
            )
            raise ValueError(
                f"The 'image_shape' parameter of {type(self).__name__} must be {wanted}. Got "
                f"{self.image_shape!r} for {d} columns instead."
            )
        return (*shape, 1) if len(shape) == 2 else shape

    @abstractmethod
    def _move(self, images, rng):
        """Return other images for those of shape (n, height, width, channels)."""


@dataclass
class OnOriginalScale(BatchTransform):
    """A transform in the user's units, applied to scaled columns.

    Parameters
    ----------
    transform : BatchTransform
        Acts on the original units.
    scale : Scale
        How the columns were scaled: has `transform` and `inverse_transform`.
    """

    transform: BatchTransform
    scale: object
    needs_dense = True

    def __call__(self, X, Y, rng):
        """Return the rows scaled back, transformed and scaled again, and their targets."""
        original, Y = self.transform(self.scale.inverse_transform(X), Y, rng)
        return self.scale.transform(original, X.dtype), Y

    def weakened(self, factor):
        """Return the same for the weakened transform."""
        return OnOriginalScale(self.transform.weakened(factor), self.scale)


@dataclass
class Shift(ImageTransform):
    """Shift each image down and right by two numbers drawn from U(-pixels, pixels).

    Parameters
    ----------
    pixels : float, default=2
        The largest shift in either direction; fractions of a pixel are interpolated linearly.
    image_shape : tuple (height, width) or (height, width, channels), default=None
        How a row is laid out; None means square and grayscale.
    fill : float, default=0.0
        The pixels outside the image, in the units of the columns that the user passed.
    """

    pixels: float = 2
    image_shape: tuple | None = None
    fill: float = 0.0
    strength = "pixels"

    def check(self):
        """Raise ValueError for values out of range."""
        super().check()
        self._require_number("pixels", "[0, inf)")
        self._require_number("fill", "(-inf, inf)")

    def _move(self, images, rng):
        shift = rng.uniform(-self.pixels, self.pixels, size=(len(images), 2))
        return resample(images, np.eye(2), -shift, self.fill)


@dataclass
class Rotate(ImageTransform):
    """Rotate each image about its centre by an angle drawn from U(-degrees, degrees).

    Parameters
    ----------
    degrees : float in [0, 180], default=15.0
        The largest angle.
    image_shape : tuple (height, width) or (height, width, channels), default=None
        How a row is laid out; None means square and grayscale.
    fill : float, default=0.0
        The pixels outside the image, in the units of the columns that the user passed.
    """

    degrees: float = 15.0
    image_shape: tuple | None = None
    fill: float = 0.0
    strength = "degrees"

    def check(self):
        """Raise ValueError for values out of range."""
        super().check()
        self._require_number("degrees", "[0, 180]")
        self._require_number("fill", "(-inf, inf)")

    def _move(self, images, rng):
        angle = np.deg2rad(rng.uniform(-self.degrees, self.degrees, size=len(images)))
        cos, sin = np.cos(angle), np.sin(angle)
        matrix = np.array([[cos, sin], [-sin, cos]]).transpose(2, 0, 1)
        return resample(images, matrix, np.zeros(2), self.fill)


@dataclass
class Zoom(ImageTransform):
    """Enlarge each image about its centre by 1 + u, u drawn from U(-amount, amount).

    Parameters
    ----------
    amount : float in [0, 1), default=0.1
        The largest change of the size, as a share of it.
    image_shape : tuple (height, width) or (height, width, channels), default=None
        How a row is laid out; None means square and grayscale.
    fill : float, default=0.0
        The pixels outside the image, in the units of the columns that the user passed.
    """

    amount: float = 0.1
    image_shape: tuple | None = None
    fill: float = 0.0
    strength = "amount"

    def check(self):
        """Raise ValueError for values out of range."""
        super().check()
        self._require_number("amount", "[0, 1)")
        self._require_number("fill", "(-inf, inf)")

    def _move(self, images, rng):
        factor = 1.0 + rng.uniform(-self.amount, self.amount, size=(len(images), 1, 1))
        return resample(images, np.eye(2) / factor, np.zeros(2), self.fill)


@dataclass
class Flip(ImageTransform):
    """Mirror each image, left for right, with probability p.

    Parameters
    ----------
    p : float in [0, 1], default=0.5
        The share of the images that is mirrored.
    image_shape : tuple (height, width) or (height, width, channels), default=None
        How a row is laid out; None means square and grayscale.
    """

    p: float = 0.5
    image_shape: tuple | None = None
    strength = "p"

    def check(self):
        """Raise ValueError for values out of range."""
        super().check()
        self._require_number("p", "[0, 1]")

    def _move(self, images, rng):
        mirrored = rng.random(len(images)) < self.p
        flipped = images.copy()
        flipped[mirrored] = images[mirrored, :, ::-1]
        return flipped


def resample(images, matrix, offset, fill):
    """Return images whose pixel at r is the old image at A r + b, interpolated linearly.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
        The old images.
    matrix : ndarray of shape (n, 2, 2) or (2, 2)
        A; r = (down, right) is measured in pixels from the centre of the image.
    offset : ndarray of shape (n, 2) or (2,)
        b, in pixels.
    fill : float
        The old image outside its borders, as `mode="grid-constant"` of scipy.ndimage has it.

    Returns
    -------
    images : ndarray of shape (n, height, width, channels)
        Of the same dtype.
    """
    n, height, width, channels = images.shape
    # One pixel of fill around each image: then they can be stacked into one tall image and
    # interpolated in one call, and what lies further out is clipped to the frame.
    framed = np.full((n, height + 2, width + 2, channels), fill, dtype=images.dtype)
    framed[:, 1:-1, 1:-1] = images
    down = np.arange(height)[:, np.newaxis] - (height - 1) / 2
    right = np.arange(width) - (width - 1) / 2
    A = np.broadcast_to(matrix, (n, 2, 2))[..., np.newaxis, np.newaxis]
    b = np.broadcast_to(offset, (n, 2))[..., np.newaxis, np.newaxis]
    source = np.empty((2, n, height, width))
    for axis, size in enumerate((height, width)):
        by_line = A[:, axis, 0] * down + (b[:, axis] + (size + 1) / 2)
        np.add(by_line, A[:, axis, 1] * right, out=source[axis])
        np.clip(source[axis], 0, size + 1, out=source[axis])
    source[0] += (height + 2) * np.arange(n)[:, np.newaxis, np.newaxis]
    tall = framed.reshape(n * (height + 2), width + 2, channels)
    moved = np.empty_like(images, order="C")
    for channel in range(channels):
        moved[..., channel] = map_coordinates(
            tall[..., channel], source, output=images.dtype, order=1
        )
    return moved
