"""Intervals and tests against closed forms and published tables."""

import numpy as np

from ganbench.statistics import clopper_pearson, fisher, holm, t_interval

NAN, INF = float("nan"), float("inf")


def test_clopper_pearson():
    # 0 of n and n of n in closed form; 5 of 10 and 1 of 20 from the usual tables
    np.testing.assert_allclose(clopper_pearson(0, 10), (0, 1 - 0.025**0.1), rtol=1e-9)
    np.testing.assert_allclose(clopper_pearson(10, 10), (0.025**0.1, 1), rtol=1e-9)
    np.testing.assert_allclose(clopper_pearson(5, 10), (0.1871, 0.8129), atol=5e-5)
    np.testing.assert_allclose(clopper_pearson(1, 20), (0.0013, 0.2487), atol=5e-5)
    np.testing.assert_allclose(clopper_pearson(5, 10, level=0.9), (0.2224, 0.7776), atol=5e-5)
    assert np.isnan(clopper_pearson(0, 0)).all()


def test_t_interval():
    # t(0.975, 2) = 4.302653
    half = 4.302653 * 1 / np.sqrt(3)
    np.testing.assert_allclose(t_interval([1, 2, 3]), (2, 2 - half, 2 + half, 3), rtol=1e-6)
    np.testing.assert_equal(tuple(t_interval([1, 2])), (1.5, NAN, NAN, 2))
    np.testing.assert_equal(tuple(t_interval([4, 4, 4])), (4, NAN, NAN, 3))
    np.testing.assert_equal(tuple(t_interval([])), (NAN, NAN, NAN, 0))
    np.testing.assert_equal(tuple(t_interval([NAN, NAN])), (NAN, NAN, NAN, 0))
    np.testing.assert_equal(tuple(t_interval([1, NAN, 3])), (2, NAN, NAN, 2))
    np.testing.assert_equal(tuple(t_interval([1, 2, 3, INF])), (INF, NAN, NAN, 4))
    np.testing.assert_equal(tuple(t_interval([1, 2, INF, -INF])), (NAN, NAN, NAN, 4))
    np.testing.assert_allclose(t_interval([1, NAN, 2, 3]), (2, 2 - half, 2 + half, 3), rtol=1e-6)


def test_tests():
    # Fisher's lady tasting tea: 3 of 4 and 1 of 4
    np.testing.assert_allclose(fisher((3, 4), (1, 4)), 34 / 70, rtol=1e-9)
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert len(holm([])) == 0
