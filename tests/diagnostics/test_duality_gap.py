"""The duality gap against games whose best responses are known."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.optimize import minimize_scalar
from small import KEY, T, at, recipe

from ganbench import registry
from ganbench.diagnostics import duality_gap as module
from ganbench.diagnostics.duality_gap import duality_gap, perturbed, values
from ganbench.diagnostics.inside import inside
from ganbench.game import Game, Net, Optimizer
from ganbench.registry import resolve
from ganbench.setting import Setting
from ganbench.tasks.catalogue import TASKS
from ganbench.zoo.catalogue import Sizes, zoo

RATE = 0.1
REACH = RATE * module.STEPS  # of Adam along a slope that never turns: every move is one rate


def setting():
    made = TASKS["dirac"]()
    nets = zoo("points", Sizes((2,), 1, 1, 1))
    train = jnp.asarray(made.train)
    return Setting(made, train, train, 16, 1, 500, nets, Optimizer(optax.identity(), RATE))


def dirac(stack, theta, psi, **given):
    """(the game of two numbers under `stack`, its state at this point)."""
    here = setting()
    made = inside(registry.recipe(stack, resolve(stack, given), here), here)
    params = {"d": {"psi": jnp.array([psi])}, "g": {"theta": jnp.array(theta)}}
    return made, at(made.method.init(KEY), **params)


def told(made, state):
    found = jax.jit(duality_gap.measure(made))(state, KEY, T)
    assert set(found) == {"gap", "worst_d", "worst_g", "value"}
    return {name: float(x[0]) for name, x in found.items()}


def clipped(theta, psi):
    return told(*dirac("wgan", theta, psi, **{"wgan.clip": 1.0}))


@pytest.mark.parametrize(("theta", "psi"), [(0.5, 0.5), (2.0, -1.0), (-3.0, 0.25)])
def test_clipped_bilinear_game(theta, psi):
    """M = -psi theta: c |theta| at psi = -c sign(theta); theta runs to where its steps end."""
    found = clipped(theta, psi)
    near = 0.05 * abs(theta * psi)  # five standard deviations of the start's noise
    assert found["worst_d"] == pytest.approx(abs(theta), rel=1e-5)
    assert found["value"] == pytest.approx(-psi * theta, rel=1e-5)
    assert found["worst_g"] == pytest.approx(-psi * theta - abs(psi) * REACH, abs=near + 1e-3)
    assert found["gap"] == pytest.approx(found["worst_d"] - found["worst_g"], rel=1e-5)


def test_no_gap_at_the_equilibrium_and_more_the_farther_from_it():
    gaps = [clipped(r, r)["gap"] for r in (0.0, 0.1, 0.3, 0.9)]
    assert gaps[0] == pytest.approx(0, abs=1e-6)
    assert all(np.diff(gaps) > 0.1)


@pytest.mark.parametrize("theta", [0.0, 0.5, -2.0])
def test_best_response_under_a_zero_centred_penalty(theta):
    """M(psi) = -log 2 - sp(psi theta) - gamma psi^2 / 2, whose maximum Brent's method finds.

    The minimax value, though the game is non-saturating.
    """
    gamma, psi = 1.0, 1.0
    found = told(*dirac("nonsaturating+r1", theta, psi, **{"r1.gamma": gamma}))

    def m(psi):
        return -np.log(2) - np.logaddexp(0, psi * theta) - gamma * psi**2 / 2

    best = -minimize_scalar(lambda psi: -m(psi), bracket=(-1, 1)).fun
    assert found["worst_d"] == pytest.approx(best, abs=1e-4)
    assert found["value"] == pytest.approx(m(psi), abs=1e-5)


def numbers(m, g_loss=lambda d, g, x: 7 * g, refresh=None):
    """A game of two numbers with the value m(d, g, mean of the batch), whatever g trains on."""

    def init(nets, data, key):
        return {name: nets[name].init(key) for name in ("d", "g")}

    def losses(players, data, key, t):
        d, g = (players(name) for name in ("d", "g"))
        x = data.real(key).mean()
        return {"d": -m(d, g, x), "g": g_loss(d, g, x)}, {"d/seen": x}

    def net(name):
        kept = refresh if name == "d" and refresh else (lambda params, aux, info: aux)
        return Net(
            lambda key: (jnp.ones(()), jnp.zeros(())), lambda p, aux, key=None: p + 0 * aux, kept
        )

    nets = {name: net(name) for name in ("d", "g")}
    made = recipe()._replace(nets=nets, game=Game(init, losses))
    return inside(made, setting())


def measured(made, d, g, **given):
    state = at(made.method.init(KEY), d=jnp.array(d), g=jnp.array(g))
    found = jax.jit(lambda s: values(made, s, KEY, T, **given))(state)
    return {name: float(x) for name, x in found.items()}


@pytest.mark.parametrize(("d", "g"), [(0.0, 0.0), (0.3, -0.2), (-2.0, 1.0)])
def test_a_game_of_bounded_best_responses(d, g):
    """M = a g^2 / 2 + d g - b d^2 / 2: best d = g / b, best g = -d / a, equilibrium (0, 0).

    g trains on something else, which has no part in it.
    """
    a, b = 2.0, 3.0
    made = numbers(lambda d, g, x: a * g**2 / 2 + d * g - b * d**2 / 2)
    found = measured(made, d, g)
    assert found["worst_d"] == pytest.approx(a * g**2 / 2 + g**2 / (2 * b), abs=1e-3)
    assert found["worst_g"] == pytest.approx(-(d**2) / (2 * a) - b * d**2 / 2, abs=1e-3)
    assert found["gap"] == pytest.approx((a + 1 / b) * g**2 / 2 + (b + 1 / a) * d**2 / 2, abs=2e-3)


def test_a_stationary_point_that_is_no_equilibrium_needs_a_perturbed_start():
    """M = u^2 / 2 - u^4 / 4, u = d - 1: flat at d = 1, which is a minimum; 1 / 4 at 0 and 2."""

    def m(d, g, x):
        return (d - 1) ** 2 / 2 - (d - 1) ** 4 / 4 + (g - 1) ** 2

    made = numbers(m)
    assert measured(made, 1.0, 1.0, perturbation=0.0)["gap"] == 0
    assert measured(made, 1.0, 1.0)["gap"] == pytest.approx(0.25, abs=1e-3)


def test_noise_of_each_leaf_is_of_its_own_size():
    params = {"a": jnp.full((400,), 3.0), "b": jnp.full((400,), 0.1), "c": jnp.zeros((400,))}
    moved = perturbed(params, KEY, 0.01)
    noise = {name: moved[name] - x for name, x in params.items()}
    sizes = {"a": 0.03, "b": 0.001, "c": 0.01}
    for name, size in sizes.items():  # the standard error of a standard deviation is 1/28 of it
        assert float(noise[name].std()) == pytest.approx(size, rel=0.15)
    assert abs(np.corrcoef(noise["a"], noise["c"])[0, 1]) < 0.2


def pick(key, source, batch):
    return source[jax.random.randint(key, (batch,), 0, len(source))]


@pytest.mark.parametrize("fixed", [True, False])
def test_responses_are_found_and_scored_on_held_out_data_apart_where_those_are_fixed(fixed):
    """M = -(d - x)^2, x 1 or 2 by turns: the best d for 1 is scored on 2, on both where mixed."""
    here = setting()
    held_out = jnp.stack([1.0 + jnp.arange(20) % 2] * 2, axis=1)
    task = here.task._replace(fixed=fixed, sample=pick)
    here = here._replace(task=task, train=held_out + 50, held_out=held_out, batch=64)
    plain = numbers(lambda d, g, x: -((d - x) ** 2))
    found = measured(inside(plain.recipe, here), 1.2, 1.0)
    if fixed:
        assert found["value"] == pytest.approx(-0.64, abs=1e-5)
        assert found["worst_d"] == pytest.approx(-1, abs=0.01)
    else:  # the mean of 64 picks is near 1.5
        assert found["value"] == pytest.approx(-0.09, abs=0.03)
        assert found["worst_d"] == pytest.approx(0, abs=0.03)


def test_a_net_is_refreshed_after_each_move_with_what_the_game_recorded():
    """aux grows by the batch's mean at each move of d, and counts in M; g's moves leave it."""
    here = setting()
    here = here._replace(held_out=here.held_out + 2)
    plain = numbers(lambda d, g, x: d * 0, refresh=lambda p, aux, info: aux + info["d/seen"])

    def losses(players, data, key, t):
        x = data.real(key).mean()
        return {"d": -players.state.aux["d"], "g": players("g")}, {"d/seen": x}

    game = plain.recipe.game._replace(losses=losses)
    found = measured(inside(plain.recipe._replace(game=game), here), 1.0, 1.0)
    assert found["worst_d"] == pytest.approx(2 * module.STEPS)
    assert found["worst_g"] == found["value"] == 0


@pytest.mark.parametrize("rule", ["entropy-sgd", "unrolled"])
def test_what_changes_the_players_view_changes_no_value(rule):
    plain, seen = (told(*dirac(f"minimax{r}", 0.7, 0.4)) for r in ("", f"+{rule}"))
    assert seen == pytest.approx(plain, rel=1e-5)


def test_a_lazy_penalty_counts_as_often_as_in_training():
    """At every 4th step, 4 times as strong: the mean over steps is that of every step."""
    lazy, every = (
        told(*dirac("nonsaturating+r1", 0.5, 1.0, **{"r1.gamma": 1.0, "r1.every": every}))
        for every in (4, 1)
    )
    assert lazy["value"] == pytest.approx(every["value"], rel=1e-5)


def test_a_game_without_discriminator_has_none():
    here = setting()
    made = inside(registry.recipe("vae", resolve("vae", {}), here), here)
    assert duality_gap.measure(made)(made.method.init(KEY), KEY, T) == {}
