"""How likely generated samples are under the data's own density."""

from ganbench.metrics.sample import Sample, Truth, readable
from ganbench.metrics.score import Score, Undefined


def log_density(truth: Truth):
    """Mean log density of the generated samples under the data's distribution, in nats: E_G log p.

    The truth's density, which mixtures have, taken at the samples: KL(G || p) = -H(G) - E_G log p,
    of which this is the half without the generator's entropy, so not the log likelihood of a model.
    A perfect sampler has -H(p), minus the entropy of the data; samples at the modes' centres beat
    it: for isotropic Gaussians of d entries by d / 2. Above -H(p) is not better than perfect.

    Blind to lost modes, copies and any lack of diversity, which it rewards. One stray sample far
    away outweighs all others.

    Returns: the score of a sample; raises Undefined without samples, or where the data's density is
    not known.
    """
    logarithm = truth.log_density
    if logarithm is None:
        raise Undefined("the data's density is not known")

    def score(sample: Sample) -> Score:
        x = readable(sample, 1).flat()
        return Score(float(logarithm(x).mean()), len(x))

    return score
