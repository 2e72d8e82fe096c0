"""From a judge's verdicts to the sums that every metric is made of.

A `Tally` is what one batch adds up to, made on the device in float32 and int32; an `Evidence` is
what all batches of one evaluation add up to, in NumPy float64 on the host.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganbench.tasks.base import Verdict


class Tally(NamedTuple):
    """Sums over the kept samples of one batch; K modes, `width` features."""

    n: jax.Array  # () int32: samples kept
    counts: jax.Array  # (K,) int32: accepted samples by their likeliest mode
    counts_any: jax.Array  # (K,) int32: all samples by their likeliest mode
    accepted: jax.Array  # () int32
    p: jax.Array  # (K,): p(mode | x)
    entropy: jax.Array  # (): the entropy of p(. | x), in nats
    p_hq: jax.Array  # (K,): `p` over accepted samples only
    entropy_hq: jax.Array  # (): `entropy` over accepted samples only
    features: jax.Array  # (width,): features - centre
    outer: jax.Array  # (width, width): outer products of features - centre


class Evidence(NamedTuple):
    """What one evaluation says of a generator, in float64. `_hq` is over accepted samples only."""

    n: float  # samples
    counts: np.ndarray  # (K,): accepted samples by mode
    counts_any: np.ndarray  # (K,): all samples by mode
    accepted: float
    p: np.ndarray  # (K,): mean of p(mode | x), the generator's mode marginal
    entropy: float  # mean entropy of p(. | x), in nats
    p_hq: np.ndarray  # (K,); nan if no sample is accepted
    entropy_hq: float  # nan if no sample is accepted
    feature_mean: np.ndarray  # (width,)
    feature_cov: np.ndarray  # (width, width), divided by n - 1


class Reference(NamedTuple):
    """What a perfect generator would show."""

    proportions: np.ndarray  # (K,) float64: true mode frequencies
    mean: np.ndarray  # (width,) float64: features of the reference
    cov: np.ndarray  # (width, width) float64
    n: int = 0  # samples that mean and cov are of; 0 where they are exact


def tally(verdict: Verdict, keep: jax.Array, centre: jax.Array) -> Tally:
    """The sums of one batch. Pure: may be jitted, vmapped and scanned.

    A sample is unreadable if its features or its likeliest log p are not finite. A kept unreadable
    sample counts in `n` and is in no mode and not accepted, so `n`, `counts` and everything over
    accepted samples stay exact. It turns `p`, `entropy`, `features` and `outer` into NaN: a mean
    over the other samples would hide the failure, so the scores made of them are null instead.

    Args:
        verdict: of (batch, ...) samples.
        keep: (batch,) bool; False for the samples that pad the last batch.
        centre: (width,), subtracted from the features so that float32 sums lose nothing; the mean
            of the reference is close enough.
    """
    log_p, features = verdict.log_p, verdict.features
    readable = jnp.isfinite(log_p.max(-1)).all(-1) & jnp.isfinite(features).all(-1)
    seen = keep & readable
    accepted = seen & verdict.accepted
    factors, answers = log_p.shape[1:]
    nothing = jnp.zeros(answers**factors, jnp.int32)
    mode = _likeliest(log_p) @ answers ** np.arange(factors)[::-1]

    # rows left out are set to zero, not multiplied by it: 0 * nan is nan
    p = jnp.where(seen[:, None, None], jnp.exp(log_p), 0.0)
    entropy = -jnp.where(p > 0, p * log_p, 0.0).sum((-1, -2))  # 0 log 0 = 0
    apart = jnp.where(keep[:, None], features - centre, 0.0)
    # what one unreadable sample does to every sum over all samples
    void = jnp.where((keep & ~readable).any(), jnp.nan, 0.0)
    return Tally(
        n=keep.sum(dtype=jnp.int32),
        counts=nothing.at[mode].add(accepted.astype(jnp.int32)),
        counts_any=nothing.at[mode].add(seen.astype(jnp.int32)),
        accepted=accepted.sum(dtype=jnp.int32),
        p=_summed(p, seen) + void,
        entropy=entropy.sum() + void,
        p_hq=_summed(p, accepted),
        entropy_hq=jnp.where(accepted, entropy, 0.0).sum(),
        features=apart.sum(0) + void,
        # by default recent GPUs multiply in TF32, which keeps three digits
        outer=jnp.matmul(apart.T, apart, precision=jax.lax.Precision.HIGHEST) + void,
    )


def _likeliest(log_p: jax.Array) -> jax.Array:
    """(batch, factors): the first maximum, as argmax, which XLA does not vectorise on the CPU."""
    answers = log_p.shape[-1]
    highest = log_p == log_p.max(-1, keepdims=True)
    return jnp.where(highest, jnp.arange(answers), answers).min(-1)


def _summed(p: jax.Array, rows: jax.Array) -> jax.Array:
    """(K,): p(mode | x) = product over the factors of `p`, summed over `rows`, (batch,) bool.

    The last product and the sum are one matrix product: no row of K numbers is ever made.
    """
    left = rows.astype(p.dtype)[:, None]
    for factor in range(p.shape[1] - 1):
        left = (left[:, :, None] * p[:, factor, None]).reshape(len(p), -1)
    return jnp.matmul(left.T, p[:, -1], precision=jax.lax.Precision.HIGHEST).reshape(-1)


def evidence(tallies: Any, centre: np.ndarray) -> Evidence:
    """One lane's tallies, stacked along a leading batch axis, as means and moments.

    Args:
        tallies: a `Tally` of arrays (batches, ...), of JAX or NumPy.
        centre: (width,), the one that `tally` subtracted.
    """
    sums = jax.tree.map(lambda x: np.asarray(x, np.float64).sum(0), tallies)
    # no accepted sample: 0/0; features beyond float32: inf - inf. Both are null, not an error.
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        shift = sums.features / sums.n
        return Evidence(
            n=float(sums.n),
            counts=sums.counts,
            counts_any=sums.counts_any,
            accepted=float(sums.accepted),
            p=sums.p / sums.n,
            entropy=float(sums.entropy / sums.n),
            p_hq=sums.p_hq / sums.accepted,
            entropy_hq=float(sums.entropy_hq / sums.accepted),
            feature_mean=np.asarray(centre, np.float64) + shift,
            feature_cov=(sums.outer - sums.n * np.outer(shift, shift)) / (sums.n - 1),
        )
