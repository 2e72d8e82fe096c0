"""Closed forms and properties of each method; each fails for the wrong port it guards against."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.nn import softplus
from small import (
    BATCH,
    LATENT,
    affine,
    data,
    largest_difference,
    linear_critic,
    objective_of,
    phase_of,
    recipe,
    sgd,
    start,
    trees_equal,
)

from ganbench.game import Critic, Data, Net, Players, build, compose
from ganbench.rules import gradients
from ganbench.stabilizers.ebgan import ebgan, ebgan_pt, pulling_away
from ganbench.stabilizers.gap import gap
from ganbench.stabilizers.mode_regularized import mdgan, reg_gan
from ganbench.stabilizers.nonsaturating import minimax, nonsaturating
from ganbench.stabilizers.r1 import r1
from ganbench.stabilizers.unrolled import unrolled
from ganbench.stabilizers.wgan import wgan, wgan_gp

KEY, T = jax.random.key(7), jnp.zeros((), jnp.int32)


def losses_of(stabilizer, made=None, batches=None):
    made, batches = stabilizer(made or recipe()), batches or data()
    state = start(made, batches)
    return objective_of(made, batches)(state, KEY, T)[0], Players(made.nets, state), batches


def test_nonsaturating_and_minimax_losses_are_the_papers():
    plain, players, batches = losses_of(nonsaturating())
    zero_sum, _, _ = losses_of(minimax())
    real = jax.nn.sigmoid(players("d", batches.real(KEY)).score)
    fake = jax.nn.sigmoid(players("d", players("g", batches.latent(KEY))).score)
    value = jnp.log(real).mean() + jnp.log(1 - fake).mean()
    assert jnp.allclose(plain["d"], -value, atol=1e-5)
    assert jnp.allclose(zero_sum["d"], -value, atol=1e-5)
    assert jnp.allclose(plain["g"], -jnp.log(fake).mean(), atol=1e-5)
    assert jnp.allclose(zero_sum["g"], value, atol=1e-5)


# ---------------------------------------------------------------- unrolled


def at(state, **params):
    return state._replace(params={**state.params, **params})


def test_unrolled_one_step_matches_finite_differences():
    with jax.enable_x64(True):
        batches, rate = data(dtype=jnp.float64), 0.3
        made = compose(minimax(), unrolled(1))(recipe(sgd(), rate))
        plain = objective_of(minimax()(recipe(sgd(), rate)), batches)
        state = start(made, batches)

        def later(g):
            """-L_D at the critic after one step of gradient descent, by the definition."""
            here = at(state, g=g)
            slope = jax.grad(lambda d: plain(at(here, d=d), KEY, T)[0]["d"])(state.params["d"])
            moved = jax.tree.map(lambda p, s: p - rate * s, state.params["d"], slope)
            return -plain(at(here, d=moved), KEY, T)[0]["d"], moved

        grads, _ = gradients(objective_of(made, batches), state, ("g",), KEY, T)
        w, step = state.params["g"]["w"], 1e-5
        numeric = np.zeros(w.shape)
        for i in np.ndindex(w.shape):
            up, down = w.at[i].add(step), w.at[i].add(-step)
            values = [later({**state.params["g"], "w": x})[0] for x in (up, down)]
            numeric[i] = (values[0] - values[1]) / (2 * step)
        assert np.abs(grads["g"]["w"] - numeric).max() < 1e-7
        # the wrong port: the gradient at the moved critic, without the path through the move
        moved = later(state.params["g"])[1]
        first_order, _ = gradients(plain, at(state, d=moved), ("g",), KEY, T)
        assert np.abs(first_order["g"]["w"] - numeric).max() > 1e-3


def test_unrolled_replays_the_discriminators_own_adam():
    made, batches = compose(minimax(), unrolled(3))(recipe(rate=0.1)), data()
    plain = minimax()(recipe(rate=0.1))
    phase, state = phase_of(plain, batches), start(made, batches)
    state, _ = phase(state, ("d",), KEY, T)  # so that Adam's moments are not zero
    ahead = state
    for _ in range(3):
        ahead, _ = phase(ahead, ("d",), KEY, T)
    expected = objective_of(plain, batches)(at(state, d=ahead.params["d"]), KEY, T)[0]["g"]
    assert jnp.allclose(objective_of(made, batches)(state, KEY, T)[0]["g"], expected, atol=1e-6)


def test_unrolled_zero_steps_is_the_plain_game():
    batches = data()
    plain = build(minimax()(recipe()), batches)
    made = build(compose(minimax(), unrolled(0))(recipe()), batches)
    state = plain.init(KEY)
    for t in range(3):
        key = jax.random.fold_in(KEY, t)
        state, (other, _) = plain.step(state, key, t)[0], made.step(state, key, t)
        assert trees_equal(state, other)


def test_unrolling_leaves_the_discriminators_own_state_alone():
    made, batches = compose(minimax(), unrolled(5))(recipe(rate=0.1)), data()
    state = start(made, batches)
    after, _ = phase_of(made, batches)(state, ("g",), KEY, T)
    assert trees_equal(state.params["d"], after.params["d"])
    assert trees_equal(state.opt["d"], after.opt["d"])
    assert not trees_equal(state.params["g"], after.params["g"])
    plain = phase_of(minimax()(recipe(rate=0.1)), batches)
    one = [phase(state, ("d",), KEY, T)[0].params for phase in (plain, phase_of(made, batches))]
    assert trees_equal(*one)  # D takes one ordinary step, not K


# ---------------------------------------------------------------- EBGAN


def test_pulling_away_term_properties():
    key = jax.random.key(3)
    code = jax.random.normal(key, (6, 8))
    assert jnp.allclose(pulling_away(jnp.ones((5, 4)) * jnp.arange(1.0, 6.0)[:, None]), 1.0)
    assert jnp.allclose(pulling_away(jnp.diag(jnp.arange(1.0, 5.0))), 0.0, atol=1e-7)
    assert 0 <= float(pulling_away(code)) <= 1
    assert jnp.allclose(pulling_away(code), pulling_away(code.at[2].multiply(-1)), atol=1e-6)
    by_hand = np.mean(
        [
            (np.dot(code[i], code[j]) / np.linalg.norm(code[i]) / np.linalg.norm(code[j])) ** 2
            for i in range(6)
            for j in range(6)
            if i != j
        ]
    )
    assert jnp.allclose(pulling_away(code), by_hand, atol=1e-6)
    assert bool(jnp.isfinite(jax.grad(lambda c: pulling_away(c))(code.at[0].set(0.0))).all())


def energy_net() -> Net:
    """Energy = the sample's first entry, code = the sample."""
    return Net(
        lambda key, x: ({"unused": jnp.zeros(())}, {}),
        lambda p, aux, x, key=None: Critic(x[:, 0] + 0 * p["unused"], x),
    )


def test_ebgan_hinge_is_taken_on_each_sample():
    fake = jnp.array([[9.0, 1.0], [11.0, -1.0]])  # margin 10: one inside by 1, one beyond by 1
    batches = Data(lambda key: jnp.array([[2.0, 0.0], [4.0, 0.0]]), lambda key: fake)
    identity = Net(lambda key, z: ({"b": jnp.zeros(2)}, {}), lambda p, a, z, key=None: z + p["b"])
    made = recipe(discriminator=energy_net(), generator=identity)
    losses, _, _ = losses_of(ebgan(margin=10.0), made, batches)
    assert jnp.allclose(losses["d"], 3.0 + 0.5)  # a hinge on the batch mean would give 3 + 0
    assert jnp.allclose(losses["g"], 10.0)
    pulled, _, _ = losses_of(ebgan_pt(margin=10.0, weight=0.1), made, batches)
    assert jnp.allclose(pulled["g"], 10.0 + 0.1 * pulling_away(fake), atol=1e-6)
    assert jnp.allclose(pulled["d"], losses["d"])  # the term is the generator's alone


# ---------------------------------------------------------------- mode regularization


def test_encoder_step_without_reconstruction_makes_the_discriminator_believe():
    batches = data()
    made = reg_gan(reconstruction=0.0, mode=0.4)(recipe(sgd(), 1e-2))
    state = start(made, batches)

    def believed(state):
        players = Players(made.nets, state)
        rebuilt = players("g", players("e", batches.real(KEY)))
        return jax.nn.sigmoid(players("d", rebuilt).score).mean()

    after, _ = phase_of(made, batches)(state, ("e",), KEY, T)
    assert believed(after) > believed(state)  # minimising +log D would lower it


def test_reg_gan_losses_are_the_formula():
    losses, players, batches = losses_of(reg_gan(reconstruction=0.3, mode=0.7))
    x, z = batches.real(KEY), batches.latent(KEY)
    rebuilt = players("g", players("e", x))
    regularizer = (
        0.3 * jnp.mean(jnp.sum((x - rebuilt) ** 2, -1))
        - 0.7 * jnp.log(jax.nn.sigmoid(players("d", rebuilt).score)).mean()
    )
    adversarial = softplus(-players("d", players("g", z)).score).mean()
    assert jnp.allclose(losses["e"], regularizer, rtol=1e-4)
    assert jnp.allclose(losses["g"], adversarial + regularizer, rtol=1e-4)


def test_mdgan_losses_are_the_formula_and_phases_the_papers():
    made = mdgan(mode=0.5)(recipe())
    assert made.schedule == (("d",), ("g.manifold", "e.manifold"), ("d2",), ("g.diffusion",))
    losses, players, batches = losses_of(mdgan(mode=0.5))
    x, z = batches.real(KEY), batches.latent(KEY)
    rebuilt, fake = players("g", players("e", x)), players("g", z)

    def log_d(name, x):
        return jnp.log(jax.nn.sigmoid(players(name, x).score)).mean()

    def log_not_d(name, x):
        return jnp.log(1 - jax.nn.sigmoid(players(name, x).score)).mean()

    manifold = jnp.mean(jnp.sum((x - rebuilt) ** 2, -1)) - 0.5 * log_d("d", rebuilt)
    expected = {
        "d": -log_d("d", x) - log_not_d("d", rebuilt),
        "g.manifold": manifold,
        "e.manifold": manifold,
        "d2": -log_d("d2", rebuilt) - log_not_d("d2", fake),
        "g.diffusion": -log_d("d2", fake),
    }
    for name, value in expected.items():
        assert jnp.allclose(losses[name], value, rtol=1e-3), name


def test_mdgans_second_discriminator_takes_reconstructions_for_real():
    batches = data()
    made = mdgan()(recipe(sgd(), 1e-2))
    state = start(made, batches)

    def scores(state):
        players = Players(made.nets, state)
        rebuilt = players("g", players("e", batches.real(KEY)))
        fake = players("g", batches.latent(KEY))
        return players("d2", rebuilt).score.mean() - players("d2", fake).score.mean()

    after, _ = phase_of(made, batches)(state, ("d2",), KEY, T)
    assert scores(after) > scores(state)
    # what it takes for real is G(E(x)), not x: with E constant, other data change nothing
    blind = {name: 0 * value for name, value in state.params["e"].items()}
    blinded = at(state, e=blind)
    other = Data(lambda key: 3 + batches.real(key), batches.latent)
    losses = [objective_of(made, b)(blinded, KEY, T)[0] for b in (batches, other)]
    assert losses[0]["d2"] == losses[1]["d2"] and losses[0]["d"] != losses[1]["d"]


# ---------------------------------------------------------------- GAP


def test_gap_with_one_pair_is_the_plain_method_at_its_pairs_key():
    batches = data()
    plain = build(nonsaturating()(recipe()), batches)
    made = build(compose(nonsaturating(), gap(pairs=1, period=1))(recipe()), batches)
    own = jax.random.fold_in
    state, one = made.init(KEY), plain.init(own(KEY, 0))
    for t in range(4):
        key = own(KEY, 100 + t)
        state, _ = made.step(state, key, t)
        one, _ = plain.step(one, own(key, 0), t)
    assert largest_difference(jax.tree.map(lambda x: x[0], state.params), one.params) < 1e-6
    samples = made.generate(state, KEY)
    assert jnp.allclose(samples, plain.generate(one, own(KEY, 0)), atol=1e-6)


def test_gap_swaps_whole_discriminators_every_period_and_nothing_else():
    batches, period = data(), 3
    stack = compose(nonsaturating(), gap(pairs=4, period=period))
    made, never = (
        build(s(recipe()), batches) for s in (stack, compose(nonsaturating(), gap(4, 99)))
    )
    state = made.init(KEY)
    moved = []
    for t in range(2 * period):
        key = jax.random.fold_in(KEY, t)
        (after, _), (unswapped, _) = made.step(state, key, t), never.step(state, key, t)
        assert trees_equal(after.params["g"], unswapped.params["g"])
        assert trees_equal(after.opt["g"], unswapped.opt["g"])
        firsts = {name: np.asarray(unswapped.params["d"][name]) for name in ("w", "v")}
        order = [
            next(j for j in range(4) if np.array_equal(after.params["d"]["w"][i], firsts["w"][j]))
            for i in range(4)
        ]
        assert sorted(order) == [0, 1, 2, 3]
        index = jnp.array(order)
        for part in ("params", "opt"):  # optimizer state travels with its network
            expected = jax.tree.map(lambda x, i=index: x[i], getattr(unswapped, part)["d"])
            assert trees_equal(getattr(after, part)["d"], expected)
        moved.append(order != [0, 1, 2, 3])
        state = after
    assert not any(m for t, m in enumerate(moved) if t % period != period - 1)
    assert any(moved)


def test_gap_pairs_see_their_own_data_and_mix_evenly():
    batches = data()
    stack = compose(nonsaturating(), gap(pairs=4, period=100))
    made = build(stack(recipe(sgd(), 0.1)), batches)  # Adam's first step has the gradient's signs
    state = made.init(KEY)
    same = state._replace(params=jax.tree.map(lambda x: x[:1].repeat(4, 0), state.params))
    after, _ = made.step(same, KEY, 0)
    for a in range(3):  # equal pairs part, because their batches differ
        assert not np.array_equal(after.params["d"]["w"][a], after.params["d"]["w"][a + 1])
    bias = jnp.arange(4.0)[:, None] * 1000 + jnp.zeros((4, 3))
    params = {**state.params, "g": {"w": 0 * state.params["g"]["w"], "b": bias}}
    samples = made.generate(state._replace(params=params), KEY)
    assert np.bincount((samples[:, 0] / 1000).astype(int)).tolist() == [BATCH // 4] * 4


# ---------------------------------------------------------------- Wasserstein critics


def test_clip_bound_holds_after_every_critic_step():
    batches, bound = data(), 0.01
    made = wgan(clip=bound, steps=5)(recipe(rate=0.05))
    assert made.schedule == (("d",),) * 5 + (("g",),)
    phase, state = phase_of(made, batches), start(made, batches)
    for i in range(5):
        state, _ = phase(state, ("d",), jax.random.fold_in(KEY, i), T)
        largest = max(float(jnp.abs(x).max()) for x in jax.tree.leaves(state.params["d"]))
        assert largest <= np.float32(bound)
    before = state.params["g"]
    state, _ = phase(state, ("g",), KEY, T)
    assert largest_difference(before, state.params["g"]) > bound  # only the critic is clipped


def test_wgan_moves_by_rmsprop_with_epsilon_outside_the_root():
    made = wgan(clip=1.0)(recipe(rate=0.5))
    tiny = {"w": jnp.full((3,), 1e-6)}
    moved, _ = made.opts["g"].step(tiny, made.opts["g"].init(tiny), {"w": jnp.zeros(3)})
    expected = -0.5 * 1e-6 / (np.sqrt(0.01 * 1e-12) + 1e-8)  # eps inside the root gives -0.005
    assert np.allclose(moved["w"], expected, rtol=1e-4)


def test_critic_takes_five_different_batches():
    batches = data()
    made = wgan(clip=1e9, steps=5)(recipe(sgd(), 1.0, discriminator=linear_critic()))
    made = made._replace(opts=recipe(sgd(), 1.0).opts, schedule=made.schedule[:5])
    state = start(made, batches)
    after, _ = build(made, batches).step(state, KEY, 0)
    moved = after.params["d"]["w"] - state.params["d"]["w"]
    single = made._replace(schedule=(("d",),))
    once, _ = build(single, batches).step(state, KEY, 0)
    step = once.params["d"]["w"] - state.params["d"]["w"]
    assert not np.allclose(moved, 5 * step, rtol=1e-2)  # five times the same batch would be


def penalty_of(stabilizer, made, batches):
    with_penalty = objective_of(stabilizer(made), batches)
    state = start(stabilizer(made), batches)
    return float(with_penalty(state, KEY, T)[1]["d/penalty"]), state


@pytest.mark.parametrize("shape", [(3,), (4, 4, 2)])
def test_gradient_penalty_is_exact_for_a_linear_critic(shape):
    generator = Net(
        lambda key, z: ({"b": jnp.zeros(shape)}, {}),
        lambda p, aux, z, key=None: p["b"] + jnp.zeros((z.shape[0], *shape)),
    )
    made = recipe(discriminator=linear_critic(), generator=generator)
    value, state = penalty_of(wgan_gp(weight=10.0), made, data(shape))
    norm = float(jnp.linalg.norm(state.params["d"]["w"]))  # the same for every sample
    assert value == pytest.approx(10 * (norm - 1) ** 2, rel=1e-4)


def test_gradient_penalty_draws_one_epsilon_a_sample():
    # |grad f| is 1 on the line through data (0, 0) and samples (1, 1), and above 1 off it: one
    # epsilon a sample stays on the line, one a pixel leaves it
    def score(x):
        return (x[:, 0] + x[:, 1]) / jnp.sqrt(2.0) + 3 * (x[:, 0] - x[:, 1]) ** 2

    critic = Net(
        lambda key, x: ({"b": jnp.zeros(())}, {}),
        lambda p, aux, x, key=None: Critic(score(x) + p["b"], x),
    )
    generator = Net(
        lambda key, z: ({"b": jnp.ones(2)}, {}),
        lambda p, aux, z, key=None: p["b"] + jnp.zeros((z.shape[0], 2)),
    )
    batches = Data(lambda key: jnp.zeros((64, 2)), lambda key: jnp.zeros((64, LATENT)))
    made = recipe(discriminator=critic, generator=generator)
    value, _ = penalty_of(wgan_gp(weight=10.0), made, batches)
    assert value == pytest.approx(0.0, abs=1e-8)


def test_gradient_penalty_interpolates_over_the_whole_segment():
    def score(x):  # |grad f| = |x|: the penalty tells where the points lie
        return 0.5 * jnp.sum(x**2, -1)

    critic = Net(
        lambda key, x: ({"b": jnp.zeros(())}, {}),
        lambda p, aux, x, key=None: Critic(score(x) + p["b"], x),
    )
    generator = Net(
        lambda key, z: ({"b": jnp.ones(1)}, {}),
        lambda p, aux, z, key=None: p["b"] + jnp.zeros((z.shape[0], 1)),
    )
    batches = Data(lambda key: jnp.zeros((20000, 1)), lambda key: jnp.zeros((20000, LATENT)))
    value, _ = penalty_of(
        wgan_gp(weight=1.0), recipe(discriminator=critic, generator=generator), batches
    )
    assert value == pytest.approx(1 / 3, abs=0.01)  # E (U - 1)^2 for U ~ U[0, 1]


@pytest.mark.parametrize("shape", [(3,), (4, 4, 2)])
def test_r1_of_a_linear_critic_is_half_gamma_squared_norm(shape):
    generator = Net(
        lambda key, z: ({"b": jnp.zeros(shape)}, {}),
        lambda p, aux, z, key=None: p["b"] + jnp.zeros((z.shape[0], *shape)),
    )
    made = recipe(discriminator=linear_critic(), generator=generator)
    value, state = penalty_of(compose(nonsaturating(), r1(gamma=3.0)), made, data(shape))
    assert value == pytest.approx(0.5 * 3.0 * float(jnp.sum(state.params["d"]["w"] ** 2)), rel=1e-4)


def test_r1_is_taken_at_real_samples():
    def score(x):  # slope |x|: 2 at the data, 0 at the samples
        return 0.5 * jnp.sum(x**2, -1)

    critic = Net(
        lambda key, x: ({"b": jnp.zeros(())}, {}),
        lambda p, aux, x, key=None: Critic(score(x) + p["b"], x),
    )
    batches = Data(lambda key: jnp.full((8, 1), 2.0), lambda key: jnp.zeros((8, 1)))
    made = recipe(discriminator=critic, generator=affine(1))
    value, _ = penalty_of(compose(nonsaturating(), r1(gamma=1.0)), made, batches)
    assert value == pytest.approx(0.5 * 4.0)
