"""Automatic augmentation: one transform at random for each batch."""

from dataclasses import dataclass, replace

from ...core.component import require
from .base import BatchTransform, FromCallable
from .tables import CutMix, FeatureDropout, GaussianNoise, Mixup, SwapNoise

DEFAULTS = (GaussianNoise, SwapNoise, FeatureDropout, Mixup, CutMix)


@dataclass
class RandomChoice(BatchTransform):
    """For each batch one transform drawn at random, at a strength drawn at random.

    The strength is drawn from U(0, 1] and multiplies the member's own (p, std, degrees, ...),
    so the members' values are upper limits and nothing is left to tune (after Müller & Hutter,
    2021, who draw per image).

    Parameters
    ----------
    transforms : list of BatchTransform or callable, default=None
        What is drawn from; None means all transforms for tables with their defaults. A callable
        ``(X, Y, rng) -> X, Y`` has no strength and is used as it is.
    """

    transforms: list | tuple | None = None
    needs_dense = True

    @property
    def needs_partner(self):
        """Whether each of the transforms takes something from another row of its batch."""
        return all(member.needs_partner for member in self._members())

    @property
    def acts_on_pixels(self):
        """Whether one of the transforms needs images."""
        return any(member.acts_on_pixels for member in self._members())

    def check(self):
        """Raise ValueError unless there are transforms and all pass their own check."""
        given = self.transforms
        ok = given is None or (isinstance(given, list | tuple) and len(given) > 0)
        self._require(ok, "transforms", "None or a list of at least one transform")
        for member in given or ():
            ok = callable(member) and not isinstance(member, type)
            expected = "a list of instances or callables (X, Y, rng) -> X, Y"
            require(ok, type(self).__name__, "transforms", expected, member)
        for member in self._members():
            member.check()

    def __call__(self, X, Y, rng):
        """Return what the transform drawn for this batch makes of it."""
        members = self._members()
        member = members[rng.integers(len(members))]
        return member.weakened(1.0 - rng.random())(X, Y, rng)

    def weakened(self, factor):
        """Return a choice between the weakened members."""
        return replace(self, transforms=[member.weakened(factor) for member in self._members()])

    def bind(self, scale):
        """Return a choice between the bound members."""
        return replace(self, transforms=[member.bind(scale) for member in self._members()])

    def _members(self):
        if self.transforms is None:
            return [cls() for cls in DEFAULTS]
        return [m if isinstance(m, BatchTransform) else FromCallable(m) for m in self.transforms]
