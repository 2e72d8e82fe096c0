"""What is true of `drift` alone, and what must be true of every method."""

import numpy as np

from ganbench.conformance import check
from ganbench.conformance.trial import KEY, losses
from ganbench.plugins import installed

installed()


def test_it_adds_the_mean_square_of_the_scores_on_real_data():
    plain, _, _ = losses("nonsaturating")
    with_it, players, batches = losses("drift", **{"drift.weight": 0.5})
    scores = players("d", batches.real(KEY)).score
    added = with_it["d"] - plain["d"]
    np.testing.assert_allclose(added, 0.5 * np.mean(np.square(scores)), rtol=1e-5)
    assert with_it["g"] == plain["g"]


def test_it_does_what_every_method_must():
    assert [one for one in check("drift") if not one.holds] == []
