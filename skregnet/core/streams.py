"""Named random streams: each consumer of randomness draws from its own."""

import numpy as np

ROLES = ("init", "shuffle", "mask", "augmentation", "split", "draw", "prediction")


def stream(seed, role, member=0, *index):
    """Return the generator of one consumer, independent of all others.

    The key is (seed, member, role, index), so switching one technique on leaves the draws of
    every other technique as they were and comparisons stay paired.

    Parameters
    ----------
    seed : int
        The seed of the whole fit.
    role : {"init", "shuffle", "mask", "augmentation", "split", "draw", "prediction"}
        What the numbers are for.
    member : int, default=0
        Which network of a committee.
    *index : int
        Which of several consumers with the same role; none is the same as 0.

    Returns
    -------
    rng : numpy.random.Generator
    """
    key = (member, ROLES.index(role), *(index or (0,)))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
