"""Samples and truths made by hand, for scores of single samples."""

import math

import numpy as np
from evidenced import of_counts, uniform

from ganbench.metrics.catalogue import OPTIONAL
from ganbench.metrics.sample import Sample, Truth
from ganbench.metrics.score import Undefined, stated


def samples(x, features=None, p=None):
    """`x`, (n, *shape), its own features unless given, (n, K) p(mode | x), all accepted."""
    x = np.asarray(x, float)
    flat = x.reshape(len(x), math.prod(x.shape[1:]))  # -1 cannot be told from no samples
    features = flat if features is None else np.asarray(features, float)
    p = np.ones((len(x), 1)) if p is None else np.asarray(p, float)
    mode, accepted = p.argmax(1), np.ones(len(x), bool)
    counts = np.bincount(mode, minlength=p.shape[1]).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):  # log 0; 0 / 0 of no samples
        return Sample(x, features, np.log(p)[:, None], mode, accepted, of_counts(counts))


def truth(held_out, train=None, fixed=True, log_density=None):
    """A truth of one mode; training data are the (m, *shape) held-out ones unless given."""
    held_out = samples(held_out)
    train = held_out if train is None else samples(train)
    return Truth(uniform(1), lambda: train, held_out, fixed, log_density)


def scored(name, truth, sample):
    """The `Score` of OPTIONAL's `name`, null with its reason where it is undefined."""
    return stated(lambda: OPTIONAL[name].fit(truth)(sample), len(sample.x))


def reason(name, truth, sample):
    """Why `name` has no value."""
    try:
        made = OPTIONAL[name].fit(truth)(sample)
    except Undefined as undefined:
        return str(undefined)
    raise AssertionError(f"{name} = {made}")
