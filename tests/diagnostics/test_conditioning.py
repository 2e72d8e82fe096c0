"""The generator's Jacobian against those that are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from methods import setting
from small import KEY, T, constant

from ganbench import registry
from ganbench.diagnostics import conditioning as module
from ganbench.diagnostics.conditioning import at_once, conditioning, mixes, one_by_one
from ganbench.diagnostics.inside import inside
from ganbench.game import Net
from ganbench.zoo.catalogue import Sizes, zoo

CAP = -2 * np.log(np.finfo(np.float32).eps)


def orthogonal(seed, n):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def linear(values, latent, outputs):
    """The generator z W + 1 whose W has these singular values."""
    s = np.zeros((latent, outputs))
    np.fill_diagonal(s, values)
    w = jnp.asarray(orthogonal(1, latent) @ s @ orthogonal(2, outputs), jnp.float32)
    return Net(lambda key, z: ({"w": w}, {}), lambda p, aux, z, key=None: z @ p["w"] + 1)


def measured(generator, stack="nonsaturating", **changed):
    """What is measured of `generator` at its first parameters."""
    here = setting()._replace(**changed)
    here = here._replace(zoo=here.zoo | {"generator": generator or here.zoo["generator"]})
    made = inside(registry.recipe(stack, registry.resolve(stack, {}), here), here)
    found = jax.jit(conditioning.measure(made))(made.method.init(KEY), KEY, T)
    found = conditioning.reduced(jax.tree.map(np.asarray, found))
    return {name: float(x.mean()) for name, x in found.items()}


@pytest.mark.parametrize(
    ("values", "latent"),
    [([3.0, 0.5], 2), ([3.0, 0.5], 5), ([2.0], 1)],
    ids=["as many latents", "more latents than outputs", "one latent"],
)
def test_a_linear_generator_has_the_conditioning_of_its_weights(values, latent):
    made = measured(linear(values, latent, 2), latent=latent)
    assert made["log_condition"] == pytest.approx(2 * np.log(values[0] / values[-1]), abs=1e-4)
    assert made["log_largest"] == pytest.approx(np.log(values[0]), abs=1e-5)
    assert made["spread"] == pytest.approx(0, abs=1e-4)


def curved():
    """(z_1, z_2) -> (z_1, z_2^2 / 2): singular values 1 and |z_2|."""
    return Net(
        lambda key, z: ({"unused": jnp.ones(())}, {}),
        lambda p, aux, z, key=None: p["unused"] * jnp.stack([z[:, 0], z[:, 1] ** 2 / 2], axis=-1),
    )


def test_a_curved_generator_is_averaged_over_its_latents(monkeypatch):
    """2 |log |z||, z a standard normal number: mean and deviation by quadrature."""
    monkeypatch.setattr(module, "LATENTS", 4096)
    x = np.linspace(1e-6, 12, 2_000_001)
    p, f = 2 * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) * (x[1] - x[0]), 2 * np.abs(np.log(x))
    mean, square = (p * f).sum(), (p * f**2).sum()
    made = measured(curved(), batch=512)
    assert made["log_condition"] == pytest.approx(mean, abs=4 * made["spread"] / 64)
    assert made["spread"] == pytest.approx(np.sqrt(square - mean**2), rel=0.1)


def test_a_generator_that_lost_a_direction_has_the_cap():
    made = measured(linear([3.0, 0.0], 2, 2))
    assert made["log_condition"] == pytest.approx(CAP, abs=1e-4)
    assert made["log_largest"] == pytest.approx(np.log(3), abs=1e-5)


def test_a_generator_of_one_sample_has_the_cap_and_no_size():
    made = measured(constant(jnp.ones(2)))
    assert made["log_condition"] == pytest.approx(CAP)
    assert made["log_largest"] == pytest.approx(np.log(np.finfo(np.float32).tiny))
    assert made["spread"] == pytest.approx(0, abs=1e-5)


def family(name, latent=2, width=6, shape=(2,)):
    net = zoo(name, Sizes(shape, latent, width, 2))["generator"]
    z = jax.random.normal(KEY, (7, latent))
    params = net.init(KEY, z)

    def g(given, z):
        return net.apply(*given, z).reshape(len(z), -1)

    return g, params, z


@pytest.mark.parametrize(("name", "expected"), [("mlp", False), ("toy", True)])
def test_whether_samples_depend_on_their_batch_is_found(name, expected):
    assert bool(mixes(*family(name))) == expected


@pytest.mark.parametrize("latent", [2, 5])
def test_both_ways_give_the_same_where_samples_are_independent(latent):
    g, params, z = family("mlp", latent)
    one, all_ = one_by_one(lambda z: g(params, z), z, 4), at_once(lambda z: g(params, z), z)
    assert one.shape == (4, 2, latent)
    np.testing.assert_allclose(one, all_[:4], atol=1e-6)
    assert np.abs(one).max() > 0.1


@pytest.mark.parametrize("latent", [2, 5])
def test_a_normalised_batch_is_held_fixed_but_for_the_latent_itself(latent):
    """Against finite differences in float64."""
    with jax.enable_x64(True):
        g, params, z = family("toy", latent)
        z = z.astype(jnp.float64)
        params = jax.tree.map(lambda x: 20 * x.astype(jnp.float64), params)
        made = one_by_one(lambda z: g(params, z), z, len(z))
        h = 1e-6
        for i in (0, 4):
            for j in range(latent):
                up, down = (g(params, z.at[i, j].add(e))[i] for e in (h, -h))
                np.testing.assert_allclose(made[i, :, j], (up - down) / (2 * h), rtol=1e-5)
        assert np.abs(made - at_once(lambda z: g(params, z), z)).max() > 0.1


def test_lanes_share_the_choice_so_that_one_way_alone_is_computed():
    here = setting()
    made = inside(registry.recipe("nonsaturating", {}, here), here)
    states = jax.vmap(made.method.init)(jax.random.split(KEY, 3))
    lanes = jax.vmap(conditioning.measure(made), (0, None, None))
    assert " cond[" in str(jax.make_jaxpr(lanes)(states, KEY, T))


def test_the_code_of_infogan_is_held_fixed():
    made = measured(None, "infogan")
    assert np.isfinite(list(made.values())).all() and 0 < made["log_condition"] < CAP
