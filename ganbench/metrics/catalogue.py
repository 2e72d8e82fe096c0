"""Every metric by name, in the order of the leaderboard's columns."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from ganbench.metrics.evidence import Evidence, Reference
from ganbench.metrics.frechet import fid
from ganbench.metrics.modes import high_quality, modes, modes_any, reverse_kl
from ganbench.metrics.scores import (
    am_score,
    am_score_hq,
    inception_score,
    inception_score_hq,
    mode_score,
    mode_score_hq,
)

METRIC_VERSION = 1  # raised when any formula or threshold changes; part of the protocol's hash


class Metric(NamedTuple):
    """A score of one run's samples; nan where it is undefined."""

    score: Callable[[Evidence, Reference], float]
    better: Literal["higher", "lower"]
    summary: str


METRICS = {
    "modes": Metric(modes, "higher", "modes with a tenth of their mass in high-quality samples"),
    "high_quality": Metric(high_quality, "higher", "share of samples of high quality"),
    "reverse_kl": Metric(reverse_kl, "lower", "KL(high-quality mode histogram || true), nats"),
    "inception_score": Metric(inception_score, "higher", "exp of the mutual information, 1 to K"),
    "mode_score": Metric(mode_score, "higher", "inception score x exp(-KL(p_g || true))"),
    "am_score": Metric(am_score, "lower", "KL(true || p_g) + mean entropy, nats"),
    "fid": Metric(fid, "lower", "squared Frechet distance of the judge's features"),
    "modes_any": Metric(modes_any, "higher", "modes with one high-quality sample"),
    "inception_score_hq": Metric(
        inception_score_hq, "higher", "inception score of high-quality samples"
    ),
    "mode_score_hq": Metric(mode_score_hq, "higher", "MODE score of high-quality samples"),
    "am_score_hq": Metric(am_score_hq, "lower", "AM score of high-quality samples"),
}
