"""Operations counted in a program against XLA's own analysis."""

import jax
import numpy as np
import pytest

from ganbench.flops import flops


def test_flops_multiply_inner_scans_out_and_agree_with_xla_without_them():
    a, b = np.ones((64, 32), np.float32), np.ones((32, 16), np.float32)

    def once(a, b):
        return jax.numpy.tanh(a @ b)

    def thrice(a, b):
        return jax.lax.scan(lambda c, _: (c + (a @ b).sum(), None), 0.0, length=3)[0]

    one = flops(jax.make_jaxpr(once)(a, b))
    assert one == 2 * 64 * 32 * 16 + 64 * 16
    measured = jax.jit(once).lower(a, b).cost_analysis()
    assert one == pytest.approx(measured["flops"] + measured.get("transcendentals", 0), rel=0.01)
    assert flops(jax.make_jaxpr(thrice)(a, b)) == pytest.approx(3 * 2 * 64 * 32 * 16, rel=0.05)
    dead = jax.make_jaxpr(lambda a, b: (a @ b, a + a)[1])(a, b)
    assert flops(dead) == a.size  # dead code costs nothing
