"""Four faults of generators, in five graded steps each, and what every score makes of them.

Level 0 is a perfect sampler: fresh draws of the ring; images of digits that neither the training
set in use nor the held-out set holds. Which modes are lost (neighbours on the ring) and which
samples are learnt by heart is drawn anew for each replicate, and the same at all levels of it.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from ganbench.metrics.catalogue import METRICS, OPTIONAL, measured
from ganbench.metrics.sample import Truth
from ganbench.metrics.score import Undefined, stated
from ganbench.scoring import sampled, truth_of
from ganbench.tasks.catalogue import TASKS

RING, DIGITS = 800, 400  # samples; five classes of 1,000 digits have some 500
LEVELS = 6
FAULTS = ("lose", "blur", "memorize", "noise")
SIGMA = 0.02  # the ring's
WIDENED = (1, 1.3, 1.6, 2, 2.5, 3)  # the ring's blur, in sigmas
BLURRED = (0, 0.4, 0.5, 0.6, 0.7, 0.8)  # pixels; a judge of digits rejects a third at the last
NOISY = (0, 0.15, 0.25, 0.35, 0.45, 0.55)  # sd of pixels, whose own is 0.75
FEW = 2  # samples a mode that are learnt by heart

#: A change counts from this share of the largest that any of the four faults makes of the score on
#: that task, if it is beyond three standard errors; by less than `STILL` a score stands still.
LEAST, ERRORS, STILL = 0.05, 3, 0.01
INFINITE = 1e9  # stands for it: beside an infinite change every finite one is none
LOGARITHMIC = {"birthday"}  # support sizes are ratios

#: What is seen of lost modes, blur, copies and noise, in that order; see `verdict`.
DIRECTIONS = {
    "ring": {
        "modes": "down blind blind blind",
        "high_quality": "blind down blind down",
        "reverse_kl": "up blind blind blind",
        "inception_score": "down blind blind blind",
        "mode_score": "down blind blind blind",
        "am_score": "up blind blind blind",
        "fid": "up blind blind blind",
        "modes_any": "down blind blind blind",
        "inception_score_hq": "down blind blind blind",
        "mode_score_hq": "down blind blind blind",
        "am_score_hq": "up blind blind blind",
        "modes_ungated": "down blind blind blind",
        "reverse_kl_ungated": "up blind blind blind",
        "forward_kl": "up blind blind blind",
        "kid": "up blind blind blind",
        "inception_score_split": "down blind blind blind",
        "inception_score_split_sd": "down blind blind blind",
        "modified_inception_score": "down blind blind down",
        "precision": "blind down blind down",
        "recall": "down blind down blind",
        "density": "blind down blind down",
        "nn_coverage": "down down down down",
        "ndb": "up up up up",
        "ndb_js": "up up up up",
        "birthday": "down up down up",
        "sliced_wasserstein": "up blind blind up",
        "log_density": "blind down blind down",
    },
    "digits": {
        "modes": "down blind blind blind",
        "high_quality": "blind down blind down",
        "reverse_kl": "up blind blind blind",
        "inception_score": "down down blind down",
        "mode_score": "down down blind down",
        "am_score": "up up blind blind",
        "fid": "up up up up",
        "modes_any": "down blind blind blind",
        "inception_score_hq": "down down blind down",
        "mode_score_hq": "down down blind down",
        "am_score_hq": "up blind blind blind",
        "modes_ungated": "down blind blind blind",
        "reverse_kl_ungated": "up blind blind blind",
        "forward_kl": "up blind blind blind",
        "kid": "up up up up",
        "inception_score_split": "down down blind down",
        "inception_score_split_sd": "down blind blind blind",
        "modified_inception_score": "mixed down blind down",
        "precision": "blind down blind down",
        "recall": "down down down blind",
        "density": "blind mixed blind down",
        "nn_coverage": "down down down down",
        "ndb": "up up up blind",
        "ndb_js": "up up up blind",
        "birthday": "down down down up",
        "ms_ssim": "blind up up down",
        "sliced_wasserstein": "up up up up",
        "memorization": "blind mixed up down",
    },
}


class Setting(NamedTuple):
    truth: Truth
    draw: Callable  # (fault, level, replicate) -> (n, *shape)


def ring() -> Setting:
    task = TASKS["ring"]()
    centres = np.asarray(task.train, float)
    modes = len(centres)
    truth = truth_of(task)

    def draw(fault, level, replicate):
        rng = np.random.default_rng(replicate)
        few = np.repeat(centres, FEW, axis=0) + SIGMA * rng.normal(size=(FEW * modes, 2))
        lost = level if fault == "lose" else 0
        kept = (rng.integers(modes) + np.arange(modes - lost)) % modes
        mode = kept[(rng.random(RING) * len(kept)).astype(int)]
        wide = WIDENED[level] if fault == "blur" else 1
        x = centres[mode] + wide * SIGMA * rng.normal(size=(RING, 2))
        instead = {"memorize": few[rng.integers(len(few), size=RING)]}
        instead["noise"] = rng.uniform(-1.06, 1.06, size=(RING, 2))  # the task's own noise
        share = {"memorize": level / 5, "noise": level / 10}.get(fault, 0)
        return np.where(rng.random((RING, 1)) < share, instead.get(fault, x), x)

    return Setting(truth._replace(held_out=sampled(task, truth.held_out.x[:RING])), draw)


def digits() -> Setting:
    """Of the 1,297 training images 297 stay training data, 1,000 are for a perfect sampler."""
    task = TASKS["digits"]()
    truth = truth_of(task)
    x, mode = truth.train().x, truth.train().mode
    order = np.random.default_rng(0).permutation(len(x))
    fresh, learnt = order[:1000], order[1000:]

    def draw(fault, level, replicate):
        rng = np.random.default_rng(replicate)
        mixed = rng.permutation(learnt)
        few = x[np.concatenate([mixed[mode[mixed] == digit][:FEW] for digit in range(10)])]
        kept = rng.permutation(10)[: 10 - (level if fault == "lose" else 0)]
        picked = rng.permutation(fresh)
        made = x[picked[np.isin(mode[picked], kept)][:DIGITS]]
        if fault == "blur":
            width = BLURRED[level]
            made = gaussian_filter(made + 1, (0, width, width, 0), mode="constant") - 1
        if fault == "noise":
            made = np.clip(made + NOISY[level] * rng.normal(size=made.shape), -1, 1)
        share = level / 5 if fault == "memorize" else 0
        copies = few[rng.integers(len(few), size=len(made))]
        return np.where(rng.random((len(made), 1, 1, 1)) < share, copies, made)

    train = sampled(task, x[learnt])
    return Setting(truth._replace(train=lambda: train), draw)


SETTINGS = {"ring": ring, "digits": digits}


def responses(name: str, replicates: int) -> dict[str, dict[str, np.ndarray]]:
    """score -> fault -> (LEVELS, replicates), for the scores that the task has."""
    task, (truth, draw) = TASKS[name](), SETTINGS[name]()
    fitted = {}
    for score, metric in OPTIONAL.items():
        try:
            fitted[score] = metric.fit(truth)
        except Undefined:  # the task has no such score
            continue

    def values(sample):
        sums = {n: measured(m, sample.evidence, truth.reference) for n, m in METRICS.items()}
        single = {n: stated(partial(f, sample), len(sample.x)) for n, f in fitted.items()}
        return {n: score.value for n, score in (sums | single).items()}

    made = {n: {f: np.zeros((LEVELS, replicates)) for f in FAULTS} for n in [*METRICS, *fitted]}
    for replicate in range(replicates):
        perfect = values(sampled(task, draw("", 0, replicate)))
        for fault in FAULTS:
            levels = [values(sampled(task, draw(fault, i, replicate))) for i in range(1, LEVELS)]
            for n in made:
                made[n][fault][:, replicate] = [level[n] for level in (perfect, *levels)]
    return made


def verdicts(score: str, faults: dict[str, np.ndarray]) -> dict[str, str]:
    """fault -> "up", "down", "blind" or "mixed", of one score's `responses`.

    blind: at no level the mean change counts. up, down: at the last level it counts, and from level
    to level the mean moves that way or stands still. mixed: it counts, but goes both ways.
    """
    values = {f: np.where(np.isposinf(v), INFINITE, v) for f, v in faults.items()}
    if score in LOGARITHMIC:
        values = {f: np.log(v) for f, v in values.items()}
    changes = {f: v - v[0] for f, v in values.items()}
    span = max(np.abs(change.mean(1)).max() for change in changes.values())
    made = {}
    for fault, change in changes.items():
        mean = change.mean(1) / span
        error = change.std(1, ddof=1) / np.sqrt(change.shape[1]) / span
        counts = (np.abs(mean) > LEAST) & (np.abs(mean) > ERRORS * error)
        way = np.sign(mean[-1])
        onward = counts[-1] and (way * np.diff(mean) > -STILL).all()
        made[fault] = (
            ("up" if way > 0 else "down") if onward else "mixed" if counts.any() else "blind"
        )
    return made
