"""Evidence made by hand or collected in batches, for metrics to score."""

import jax
import jax.numpy as jnp
import numpy as np

from ganbench.metrics.catalogue import METRICS, measured
from ganbench.metrics.evidence import Evidence, Reference, evidence, tally

RNG = np.random.default_rng
TALLIES = jax.jit(jax.vmap(tally, in_axes=(0, 0, None)))  # of several batches


def joint(log_p):
    """log p(mode | x), (batch, modes), of a verdict's factors (batch, factors, answers)."""
    made = log_p[:, 0]
    for factor in range(1, log_p.shape[1]):
        made = (made[:, :, None] + log_p[:, factor, None]).reshape(len(log_p), -1)
    return made


def score(name, seen, reference):
    return measured(METRICS[name], seen, reference).value


def of_probabilities(p, features=None):
    """The evidence of (n, K) p(mode | x), all accepted, in float64 throughout."""
    n, modes = p.shape
    features = np.zeros((n, 1)) if features is None else features
    counts = np.bincount(p.argmax(1), minlength=modes).astype(float)
    mean, entropy = p.mean(0), -(p * np.log(np.where(p > 0, p, 1))).sum(1).mean()
    cov = np.atleast_2d(np.cov(features.T))
    return Evidence(n, counts, counts, n, mean, entropy, mean, entropy, features.mean(0), cov)


def of_counts(counts):
    """The evidence of samples without doubt about their mode."""
    n = counts.sum()
    zero = np.zeros(1)
    return Evidence(n, counts, counts, n, counts / n, 0.0, counts / n, 0.0, zero, np.zeros((1, 1)))


def of_features(x):
    return of_probabilities(np.ones((len(x), 1)), x)


def reference(p, width=1):
    return Reference(np.asarray(p, float), np.zeros(width), np.eye(width))


def uniform(modes):
    return reference(np.full(modes, 1 / modes))


def collect(verdict, keep=None, batch=100):
    """Evidence of a verdict of n samples, tallied on the device in batches."""
    n, width = verdict.features.shape
    keep = jnp.ones(n, bool) if keep is None else keep
    parts = jax.tree.map(lambda x: x.reshape(-1, batch, *x.shape[1:]), (verdict, keep))
    centre = jnp.zeros(width)
    return evidence(TALLIES(*parts, centre), np.zeros(width))
