"""Every metric by name, in the order of the leaderboard's columns."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from ganbench.metrics.bins import ndb, ndb_js
from ganbench.metrics.birthday import birthday
from ganbench.metrics.density import log_density
from ganbench.metrics.evidence import Evidence, Reference
from ganbench.metrics.frechet import fid
from ganbench.metrics.kernel import kid
from ganbench.metrics.manifold import density, nn_coverage, precision, recall
from ganbench.metrics.memorization import memorization
from ganbench.metrics.modes import (
    forward_kl,
    high_quality,
    modes,
    modes_any,
    modes_ungated,
    reverse_kl,
    reverse_kl_ungated,
)
from ganbench.metrics.modified import modified_inception_score
from ganbench.metrics.sample import Sample, Truth
from ganbench.metrics.score import Score, stated
from ganbench.metrics.scores import (
    am_score,
    am_score_hq,
    inception_score,
    inception_score_hq,
    mode_score,
    mode_score_hq,
)
from ganbench.metrics.similarity import ms_ssim
from ganbench.metrics.splits import inception_score_split, inception_score_split_sd
from ganbench.metrics.transport import sliced_wasserstein

METRIC_VERSION = 1  # raised when any formula or threshold changes; part of the protocol's hash

Better = Literal["higher", "lower", "neither"]


class Metric(NamedTuple):
    """A score made of sums over all samples: known at every evaluation.

    `score` raises `Undefined` where it has no value.
    """

    score: Callable[[Evidence, Reference], float]
    better: Better
    summary: str
    of_moments: bool = False  # whether it compares with the reference's mean and covariance
    least: float = 0.0  # the lowest value that there is


class SampleMetric(NamedTuple):
    """A score made of single samples: known at the end of a run whose suite asks for it.

    `fit(truth)` is done once a task, what it returns for each run; either raises `Undefined`.
    """

    fit: Callable[[Truth], Callable[[Sample], Score]]
    better: Better
    summary: str
    least: float = 0.0  # the lowest value that there is


METRICS = {
    "modes": Metric(modes, "higher", "modes with a tenth of their mass in high-quality samples"),
    "high_quality": Metric(high_quality, "higher", "share of samples of high quality"),
    "reverse_kl": Metric(reverse_kl, "lower", "KL(high-quality mode histogram || true), nats"),
    "inception_score": Metric(
        inception_score, "higher", "exp of the mutual information, 1 to K", least=1.0
    ),
    "mode_score": Metric(mode_score, "higher", "inception score x exp(-KL(p_g || true))"),
    "am_score": Metric(am_score, "lower", "KL(true || p_g) + mean entropy, nats"),
    "fid": Metric(fid, "lower", "squared Frechet distance of the judge's features", True),
    "modes_any": Metric(modes_any, "higher", "modes with one high-quality sample"),
    "inception_score_hq": Metric(
        inception_score_hq, "higher", "inception score of high-quality samples", least=1.0
    ),
    "mode_score_hq": Metric(mode_score_hq, "higher", "MODE score of high-quality samples"),
    "am_score_hq": Metric(am_score_hq, "lower", "AM score of high-quality samples"),
}


def measured(metric: Metric, evidence: Evidence, reference: Reference) -> Score:
    """The metric's value with its sample sizes, or null with the reason."""
    n, far = int(evidence.n), reference.n if metric.of_moments else 0
    return stated(lambda: Score(metric.score(evidence, reference), n, far), n)


def on_sums(metric: Metric) -> SampleMetric:
    """A metric of sums among those that a suite asks for: at the end of a run alone."""

    def fit(truth: Truth) -> Callable[[Sample], Score]:
        return lambda sample: measured(metric, sample.evidence, truth.reference)

    return SampleMetric(fit, metric.better, metric.summary, metric.least)


#: Those of them that are of sums.
OPTIONAL_SUMS = {
    "modes_ungated": Metric(modes_ungated, "higher", "modes with one sample, good or bad"),
    "reverse_kl_ungated": Metric(
        reverse_kl_ungated, "lower", "KL(mode histogram of all samples || true), nats"
    ),
    "forward_kl": Metric(forward_kl, "lower", "KL(true || high-quality mode histogram), nats"),
}
#: What a suite may ask for beside, in `scores`.
OPTIONAL = {
    **{name: on_sums(metric) for name, metric in OPTIONAL_SUMS.items()},
    "kid": SampleMetric(
        kid, "lower", "unbiased squared MMD of the judge's features, cubic", -math.inf
    ),
    "inception_score_split": SampleMetric(
        inception_score_split, "higher", "mean Inception score of ten parts of the sample", 1.0
    ),
    "inception_score_split_sd": SampleMetric(
        inception_score_split_sd, "neither", "its sd over parts of one sample, never over seeds"
    ),
    "modified_inception_score": SampleMetric(
        modified_inception_score, "higher", "mean of KL(p_g || p(. | x))^2, nats squared"
    ),
    "precision": SampleMetric(
        precision, "higher", "share of generated samples within the held-out data's balls, k = 3"
    ),
    "recall": SampleMetric(
        recall, "higher", "share of held-out samples within the generated ones' balls, k = 3"
    ),
    "density": SampleMetric(
        density, "higher", "held-out balls about a generated sample, by k = 5; 1 is perfect"
    ),
    "nn_coverage": SampleMetric(
        nn_coverage, "higher", "share of held-out balls with a generated sample in them, k = 5"
    ),
    "ndb": SampleMetric(ndb, "lower", "share of k-means bins that differ, number / K"),
    "ndb_js": SampleMetric(ndb_js, "lower", "Jensen-Shannon divergence of k-means bins, nats"),
    "birthday": SampleMetric(
        birthday, "higher", "effective support size; about 7,141 for data like the held-out", 1.0
    ),
    "ms_ssim": SampleMetric(
        ms_ssim, "lower", "structural similarity of images of the same mode", -1.0
    ),
    "sliced_wasserstein": SampleMetric(
        sliced_wasserstein, "lower", "sliced 2-Wasserstein distance to the held-out data"
    ),
    "log_density": SampleMetric(
        log_density, "higher", "mean log density under the data's own distribution, nats", -math.inf
    ),
    "memorization": SampleMetric(
        memorization, "lower", "P(nearer to training than held-out data are); 1/2 is perfect"
    ),
}
