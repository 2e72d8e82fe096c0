"""Sharpness against losses whose rise is known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from methods import setting
from small import KEY, T, at, normal, recipe

from ganbench.diagnostics.inside import inside
from ganbench.diagnostics.sharpness import RADIUS, rise, sharpness, sharpnesses, unit
from ganbench.game import Game, Net

W = normal(3, 12, dtype="float32")
CURVES = jnp.linspace(-1.0, 3.0, 12)


def quadratic(w):
    """Saddle-shaped: w' H w / 2 + b' w with H = diag(CURVES)."""
    return 0.5 * jnp.sum(CURVES * w**2) + jnp.sum(w)


def by_hand(u, w=W):
    """The largest of the second-order expansion at the four points, which is exact here."""
    steps = np.array([-1, -1 / 2, 1 / 2, 1]) * 0.01 * np.linalg.norm(w)
    slope, bend = float(u @ (CURVES * w + 1)), float(u @ (CURVES * u))
    return max(step * slope + step**2 * bend / 2 for step in steps)


def test_a_quadratic_along_given_directions():
    for seed in range(5):
        u = unit(normal(seed, 12))
        assert float(rise(quadratic, W, u)) == pytest.approx(by_hand(u), rel=1e-2)


def test_a_quadratic_along_its_gradient_and_random_directions():
    found = sharpnesses(quadratic, W, KEY)
    slope = np.asarray(CURVES * W + 1)
    assert float(found["gradient"]) == pytest.approx(by_hand(unit(slope)), rel=1e-3)
    drawn = [by_hand(u / np.linalg.norm(u)) for u in jax.random.normal(KEY, (8, 12))]
    assert len(set(drawn)) == 8
    assert float(found["random"]) == pytest.approx(np.mean(drawn), rel=1e-2)
    assert found["gradient"] > found["random"] > 0


@pytest.mark.parametrize("n", [1, 40])
def test_a_bowl_rises_alike_whichever_way(n):
    """c |w - m|^2 / 2 at its minimum m: c rho^2 |m|^2 / 2 along any unit vector."""
    m, c = 1 + normal(n, n), 5.0
    found = sharpnesses(lambda w: c * jnp.sum((w - m) ** 2) / 2, m, KEY)
    expected = c * RADIUS**2 * float(jnp.sum(m**2)) / 2
    assert float(found["random"]) == pytest.approx(expected, rel=1e-3)
    assert found["gradient"] == 0  # there is none


def test_half_way_counts_where_the_loss_bends():
    """Along this line the loss is highest half a radius out: sin at a quarter of its period."""
    w, u = jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0])
    loss = lambda w: jnp.sin(jnp.pi * w[1] / RADIUS)  # noqa: E731
    assert float(rise(loss, w, u)) == pytest.approx(1, rel=1e-5)


def test_units_of_the_parameters_do_not_matter_nor_what_is_added_to_the_loss():
    scaled = sharpnesses(lambda w: quadratic(w / 64) + 2, 64 * W, KEY)
    for name, plain in sharpnesses(quadratic, W, KEY).items():
        assert float(scaled[name]) == pytest.approx(float(plain), rel=2e-3)


def test_no_rise_where_the_loss_is_flat():
    found = sharpnesses(lambda w: jnp.zeros(()) + 3, W, KEY)
    assert found == {"random": 0, "gradient": 0}
    found = sharpnesses(quadratic, 0 * W, KEY)  # no size, no radius
    assert found == {"random": 0, "gradient": 0}


def game(losses, schedule=(("d",), ("g.first",), ("g.second",))):
    """Two players of twelve numbers each with these losses of (d, g, the batch's mean)."""

    def init(nets, data, key):
        return {name: nets[name].init(key) for name in ("d", "g")}

    def made(players, data, key, t):
        return losses(players("d"), players("g"), data.real(key).mean()), {}

    def net():  # two leaves, so that a player's norm is that of both
        return Net(
            lambda key: ({"a": W[:4], "b": W[4:]}, {}),
            lambda p, aux, key=None: jnp.concatenate([p["a"], p["b"]]),
        )

    own = recipe()._replace(nets={"d": net(), "g": net()}, game=Game(init, made), schedule=schedule)
    return inside(own, setting())


def told(made, state=None):
    state = made.method.init(KEY) if state is None else state
    found = jax.jit(sharpness.measure(made))(state, KEY, T)
    return {name: float(x[0]) for name, x in found.items()}


def test_each_player_has_the_sum_of_its_own_losses_at_the_others_parameters():
    def losses(d, g, x):
        made = {"d": jnp.sum(d) + 9 * jnp.sum(g), "d.unscheduled": 100 * jnp.sum(d**2)}
        return made | {"g.first": quadratic(g) - jnp.sum(g), "g.second": jnp.sum(g * d)}

    made = game(losses)
    state = at(made.method.init(KEY), d={"a": jnp.ones(4), "b": jnp.ones(8)})
    found = told(made, state)
    assert set(found) == {f"{p}/{kind}" for p in "dg" for kind in ("random", "gradient")}
    # a straight line: rho |d| times the norm of the slope, which is that of twelve ones
    assert found["d/gradient"] == pytest.approx(RADIUS * 12**0.5 * 12**0.5, rel=1e-3)
    slope = unit(CURVES * W + 1)  # d is ones, so both losses of g together are `quadratic`
    assert found["g/gradient"] == pytest.approx(by_hand(slope), rel=1e-3)


def test_a_player_whose_loss_is_flat_has_none():
    """The batch alone moves the loss of g: it is frozen, so there is no rise."""
    found = told(game(lambda d, g, x: {"d": quadratic(d), "g": x + 0 * g.sum()}, (("d", "g"),)))
    assert found["g/random"] == found["g/gradient"] == 0
    assert found["d/random"] > 0


def test_the_players_view_is_what_counts():
    """A rule that shows g three times its loss shows three times the rise."""

    def seen(objective, opts, nets):
        def wrapped(state, key, t):
            losses, info = objective(state, key, t)
            return {**losses, "g": 3 * losses["g"]}, info

        return wrapped

    plain = game(lambda d, g, x: {"d": quadratic(d), "g": quadratic(g)}, (("d",), ("g",)))
    rule = plain.recipe.rule._replace(objective=seen)
    found, changed = told(plain), told(inside(plain.recipe._replace(rule=rule), setting()))
    for kind in ("random", "gradient"):
        assert changed[f"g/{kind}"] == pytest.approx(3 * found[f"g/{kind}"], rel=1e-3)
        assert changed[f"d/{kind}"] == pytest.approx(found[f"d/{kind}"], rel=1e-5)
