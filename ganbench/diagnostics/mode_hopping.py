"""How many latents give a sample of another mode than when it was last looked."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.random import fold_in

from ganbench.diagnostics.inside import Diagnostic, Inside, Measure
from ganbench.game import TrainState
from ganbench.tasks.base import Verdict

SAMPLES = 1024  # latents: the standard error of a rate is at most 0.016
NONE = -1  # the mode of a sample that the judge cannot read


def modes(verdict: Verdict) -> tuple[jax.Array, jax.Array]:
    """Each sample's likeliest mode, (batch,) int32, and whether it is of high quality."""
    readable = jnp.isfinite(verdict.log_p.max(-1)).all(-1)
    factors, answers = verdict.log_p.shape[1:]
    mode = verdict.log_p.argmax(-1).astype(jnp.int32) @ answers ** np.arange(factors)[::-1]
    return jnp.where(readable, mode, NONE), verdict.accepted & readable


def _measure(inside: Inside) -> Measure:
    judge, batch = inside.setting.task.judge, inside.setting.batch

    def measure(state: TrainState, key: jax.Array, t: jax.Array) -> dict[str, jax.Array]:
        def drawn(i: jax.Array) -> tuple[jax.Array, jax.Array]:
            return modes(judge.judge(judge.weights, inside.method.generate(state, fold_in(key, i))))

        mode, accepted = jax.lax.map(drawn, jnp.arange(-(-SAMPLES // batch)))
        return {"mode": mode.reshape(-1)[:SAMPLES], "accepted": accepted.reshape(-1)[:SAMPLES]}

    return measure


def _told(seen: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    rate, rate_hq = np.full((2, len(seen)), np.nan)
    for i, (before, now) in enumerate(zip(seen, seen[1:], strict=False), 1):
        moved = before["mode"] != now["mode"]
        good = before["accepted"] & now["accepted"]
        rate[i] = moved.mean()
        rate_hq[i] = moved[good].mean() if good.any() else np.nan
    return {"rate": rate, "rate_hq": rate_hq}


#: The share of 1,024 latents, the same all through the training, whose sample is of another mode
#: than at the diagnostic's last measurement. A sample's mode is the judge's likeliest; one that the
#: judge cannot read (not a number) has one of its own. Null at the first measurement.
#:
#: rate: of all latents. rate_hq: of those whose sample was of high quality both times, null if none
#: was. Both in [0, 1]: 0 for a generator that has settled, however bad; 1 - sum_k p_k^2 (1 - 1/K
#: where all K modes are equally likely) where the two modes are independent draws from p. A rate is
#: per interval between measurements: compare runs that were measured equally often.
#:
#: It is the method's samples that are judged, of averaged weights or several generators too. Blind
#: to what moves inside a mode, and to a mode that is left and found again in between.
mode_hopping = Diagnostic(_measure, "share of latents whose sample changed its mode", _told)
