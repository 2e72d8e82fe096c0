"""What the discriminator sees: packs, noise, diffusion; and how its weights are scaled."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.nn import softplus
from small import (
    BATCH,
    KEY,
    TRAINING,
    T,
    constant,
    critic_of,
    data,
    normal,
    objective_of,
    recipe,
    sgd,
    start,
    trees_equal,
)

from ganbench.assembly import assemble, build
from ganbench.game import Critic, Net, Players, ProtocolError, compose
from ganbench.parts import judge_generated
from ganbench.seeds import fold_name
from ganbench.stabilizers.diffusion_gan import (
    SHORTEST,
    STEPS,
    diffused,
    diffusion_gan,
    kept_after,
)
from ganbench.stabilizers.dragan import dragan
from ganbench.stabilizers.instance_noise import instance_noise
from ganbench.stabilizers.nonsaturating import nonsaturating
from ganbench.stabilizers.pacgan import pacgan, packed
from ganbench.stabilizers.spectral_norm import normalised, spectral_norm
from ganbench.stabilizers.wgan import wgan
from ganbench.stabilizers.zero_centred import r1, wgan_gp0


def run(stabilizer, steps=3):
    method = build(compose(nonsaturating(), stabilizer)(recipe()), data())
    state = method.init(KEY)
    for t in range(steps):
        state, info = method.step(state, jax.random.fold_in(KEY, t), t)
    return state, info, method.generate(state, KEY)


def test_packs_of_one_are_the_plain_method_to_the_bit():
    assert trees_equal(run(pacgan(1)), run(lambda recipe: recipe))
    assert not trees_equal(run(pacgan(2))[0].params["g"], run(pacgan(1))[0].params["g"])


@pytest.mark.parametrize("shape", [(2,), (4, 4, 3)])
def test_a_pack_joins_neighbours_on_their_last_axis(shape):
    x = normal(0, 7, *shape)
    made = packed(x, 3)
    assert made.shape == (2, *shape[:-1], 3 * shape[-1])
    for i in range(2):
        assert jnp.array_equal(made[i], jnp.concatenate([x[3 * i + j] for j in range(3)], axis=-1))
    with pytest.raises(ProtocolError, match="a batch of 7 holds no pack of 8"):
        packed(x, 8)
    with pytest.raises(ProtocolError, match="packs of 3 leave 2 of a batch of 8 over"):
        packed(normal(0, 8, *shape), 3)


def test_a_generated_pack_holds_independent_samples():
    made = compose(nonsaturating(), pacgan(2))(recipe(discriminator=critic_of(lambda x: x[:, 0])))
    players = Players(made.nets, start(made, data()))
    features = judge_generated(players, data(), KEY).features
    assert features.shape == (BATCH // 2, 6)
    assert not jnp.allclose(features[:, :3], features[:, 3:])


def test_no_line_between_packs_with_one_epsilon_a_sample():
    for penalty in (wgan_gp0(), dragan()):
        with pytest.raises(ProtocolError, match="needs the one judgement a sample, which pacgan"):
            build(compose(nonsaturating(), pacgan(2), penalty)(recipe()), data())


def seen(stabilizer, moves=0, base=nonsaturating):
    """What a discriminator that returns its input sees of a real and of a generated batch."""
    net = stabilizer(base()(recipe(discriminator=critic_of(lambda x: x[:, 0])))).nets["d"]
    x = jnp.zeros((4096, 3))
    params, aux = net.init(KEY, x)
    for _ in range(moves):
        aux = net.refresh(params, aux, {})
    kinds = ("d on real", "d on generated")
    return [net.apply(params, aux, x, key=fold_name(KEY, kind)).features for kind in kinds]


def test_instance_noise_is_fresh_for_each_judgement_and_annealed():
    noise = instance_noise(sigma=0.5, horizon=10 / TRAINING)
    real, fake = seen(noise)
    assert float(real.std()) == pytest.approx(0.5, rel=0.03)
    assert float(fake.std()) == pytest.approx(0.5, rel=0.03)
    assert abs(np.corrcoef(real.ravel(), fake.ravel())[0, 1]) < 0.03  # not one shared draw
    assert abs(np.corrcoef(real[:, 0], real[:, 1])[0, 1]) < 0.1  # nor one an entry
    assert float(seen(noise, moves=4)[0].std()) == pytest.approx(0.3, rel=0.03)
    assert not seen(noise, moves=10)[0].any() and not seen(noise, moves=12)[0].any()


def test_instance_noise_lasts_as_long_as_the_training_however_often_the_critic_moves():
    noise = instance_noise(sigma=0.5)
    for base, a_step in ((nonsaturating, 1), (wgan, 5)):
        left = [float(seen(noise, share * TRAINING * a_step, base)[0].std()) for share in (0, 1)]
        assert left == [pytest.approx(0.5, rel=0.03), 0.0]
        half = seen(noise, TRAINING * a_step // 2, base)[0]
        assert float(half.std()) == pytest.approx(0.25, rel=0.03)


def test_each_players_judgements_are_noised_apart_in_the_game():
    """Four judgements in D's and G's phases, four draws: none shared, G's pass not clean."""
    keys = []

    def watching(net: Net) -> Net:
        def apply(p, aux, x, key=None):
            keys.append(tuple(np.asarray(jax.random.key_data(key)).tolist()))
            return net.apply(p, aux, x, key=key)

        return net._replace(apply=apply)

    made = nonsaturating()(recipe())
    made = made._replace(nets={**made.nets, "d": watching(made.nets["d"])})
    method = assemble(instance_noise(0.5)(made), data())
    with jax.disable_jit():
        state = method.init(KEY)
        keys.clear()
        method.step(state, KEY, 0)
    per_phase = [keys[i : i + 2] for i in range(0, len(keys), 2)]  # real, generated
    assert len(keys) == 4 and all(a != b for a, b in per_phase)
    assert per_phase[0][1] != per_phase[1][1]  # G meets noise of its own


def test_noise_moves_on_with_the_discriminator_and_leaves_samples_alone():
    state, _, samples = run(instance_noise(0.5))
    assert float(state.aux["d"]["moves"]) == 3
    plain = build(nonsaturating()(recipe()), data())
    assert jnp.array_equal(samples, plain.generate(state, KEY))


def test_half_is_diffused_and_long_times_are_more_likely():
    x = jnp.full((20_000, 1), 3.0)
    y = diffused(x, KEY, jnp.float32(STEPS), 0.05)
    assert float((y == 3.0).mean()) == pytest.approx(0.5, abs=0.02)
    kept = np.cumprod(1 - np.linspace(1e-4, 2e-2, STEPS))
    p = np.arange(1, STEPS + 1) / np.arange(1, STEPS + 1).sum()  # P(t) ~ t
    expected = 3 * np.sum(p * np.sqrt(kept))
    moved = np.asarray(y[y != 3.0])
    assert moved.mean() == pytest.approx(expected, abs=0.03)
    noise = np.asarray(diffused(0 * x, KEY, jnp.float32(STEPS), 0.05))
    spread = np.square(noise[noise != 0]).mean()
    assert spread == pytest.approx(0.05**2 * np.sum(p * (1 - kept)), rel=0.05)
    wide = np.asarray(diffused(jnp.full((200, 4, 4, 3), 3.0), KEY, jnp.float32(STEPS), 0.0))
    assert (wide.reshape(200, -1) == wide[:, :1, :1, :1].reshape(200, 1)).all()  # one t a sample
    assert len(np.unique(wide)) > 50


@pytest.mark.parametrize("longest", [SHORTEST, 100, STEPS])
def test_the_noise_is_spread_over_the_steps_there_are(longest):
    """abar of linear beta over T steps: at the last of ten steps a tenth of the signal is gone."""
    by_hand = np.cumprod(1 - np.linspace(1e-4, 2e-2, longest))
    assert np.allclose(kept_after(jnp.float32(longest))[:longest], by_hand, atol=1e-5)
    x = jnp.full((20_000, 1), 3.0)
    moved = np.asarray(diffused(x, KEY, jnp.float32(longest), 0.0))
    least = 3 * np.sqrt(by_hand[-1])
    assert moved.min() == pytest.approx(least, abs=1e-3) and moved.max() == 3.0


def test_diffusion_is_told_by_data_and_not_by_samples():
    """A critic sure of data and unsure of samples: p grows."""
    sign = critic_of(lambda x: jnp.where(x[:, 0] > 0.5, 1.0, -1.0))
    made = recipe(sgd(), 0.0, discriminator=sign, generator=constant(-jnp.ones(3)))
    stack = compose(nonsaturating(), diffusion_gan(target=0.6, speed=0.01))
    batches = data()._replace(real=lambda key: jnp.full((BATCH, 3), 2.0))
    method = build(stack(made), batches)
    state, _ = method.step(method.init(KEY), KEY, 0)
    assert float(state.aux["d"]["p"]) > 0


def test_diffusion_grows_while_the_discriminator_is_sure_of_data_and_shrinks_after():
    made = {}
    for name, score in (("sure", 1.0), ("unsure", -1.0)):
        sign = critic_of(lambda x, score=score: score + 0 * x[:, 0])
        stack = compose(nonsaturating(), diffusion_gan(target=0.6, speed=0.01))
        method = build(stack(recipe(sgd(), 0.0, discriminator=sign)), data())
        state = method.init(KEY)
        start_at = {**state.aux["d"], "p": jnp.float32(0.5)}
        state = state._replace(aux={**state.aux, "d": start_at})
        for t in range(2):
            state, _ = method.step(state, KEY, t)
        made[name] = float(state.aux["d"]["p"])
    assert made["sure"] == pytest.approx(0.5 + 2 * 0.01 * BATCH)
    assert made["unsure"] == pytest.approx(0.5 - 2 * 0.01 * BATCH)


def weights() -> Net:
    """A critic of two matrices, one of them a kernel of a convolution, and a bias."""

    def init(key, x):
        return {"k": normal(1, 2, 2, 3, 4), "w": normal(2, 3, 5), "b": jnp.ones(5)}, {}

    def apply(p, aux, x, key=None):
        h = x @ p["w"] + p["b"]
        return Critic(h.sum(-1) + p["k"].sum(), h)

    return Net(init, apply)


def test_spectral_norm_comes_to_one_and_biases_stay():
    kept = {}

    def watched(net: Net) -> Net:
        def apply(p, aux, x, key=None):
            kept.update(p)
            return net.apply(p, aux, x, key=key)

        return net._replace(apply=apply)

    net = spectral_norm()(nonsaturating()(recipe(discriminator=watched(weights())))).nets["d"]
    x = normal(3, BATCH, 3)
    params, aux = net.init(KEY, x)
    for _ in range(60):
        aux = net.refresh(params, aux, {})
    net.apply(params, aux, x, key=KEY)
    for name, shape in (("w", (3, 5)), ("k", (12, 4))):
        largest = np.linalg.svd(np.asarray(kept[name]).reshape(shape), compute_uv=False)[0]
        assert largest == pytest.approx(1.0, abs=1e-4)
    assert jnp.array_equal(kept["b"], params["b"])


def net_kernels(params):
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {jax.tree_util.keystr(path): np.asarray(w) for path, w in leaves if w.ndim > 1}


def test_one_power_iteration_a_move_and_none_for_a_judgement():
    state, _, _ = run(spectral_norm(), steps=1)
    net = compose(nonsaturating(), spectral_norm())(recipe()).nets["d"]
    first = build(compose(nonsaturating(), spectral_norm())(recipe()), data()).init(KEY)
    once = net.refresh(state.params["d"], first.aux["d"], {})
    assert trees_equal(state.aux["d"], once)  # two real and generated passes, one iteration
    for name, w in net_kernels(state.params["d"]).items():
        v = w @ first.aux["d"]["u"][name]
        by_hand = w.T @ (v / np.linalg.norm(v))
        by_hand /= np.linalg.norm(by_hand)
        assert np.allclose(once["u"][name], by_hand, atol=1e-5)


def test_u_and_v_are_constants_to_the_gradient():
    w, u = normal(4, 3, 4), normal(5, 4)
    u = u / jnp.linalg.norm(u)
    v = w @ u / jnp.linalg.norm(w @ u)
    g = normal(6, 3, 4)
    sigma = v @ w @ u
    by_hand = g / sigma - jnp.sum(g * w) / sigma**2 * jnp.outer(v, u)
    # a look-ahead takes u from weights that it differentiates
    for of in (lambda w: u, lambda w: u + w[0] - jax.lax.stop_gradient(w[0])):
        made = jax.grad(lambda w, of=of: jnp.sum(g * normalised(w, of(w))))(w)
        assert jnp.allclose(made, by_hand, atol=1e-5)


def test_sigmas_second_derivative_is_exact():
    """What differentiates a slope once more (`consensus`, `unrolled`) needs v to move with W."""
    with jax.enable_x64(True):
        w, u, g = (normal(i, *s, dtype="float64") for i, s in ((4, (4, 5)), (5, (5,)), (6, (4, 5))))

        def half_norm(w):
            return 0.5 * jnp.sum(jax.grad(lambda w: jnp.sum(g * normalised(w, u)))(w) ** 2)

        made, step = jax.grad(half_norm)(w), 1e-5
        along = normal(7, 4, 5, dtype="float64")
        moved = (half_norm(w + step * along) - half_norm(w - step * along)) / (2 * step)
        assert float(jnp.sum(made * along)) == pytest.approx(float(moved), rel=1e-6)


def test_a_wrapped_net_reaches_penalty_and_losses_whatever_the_order():
    """With normalised weights a linear critic has slope 1, so that R1 is gamma / 2."""
    batches = data()
    parts = r1(2.0), spectral_norm()
    matrix = Net(
        lambda key, x: ({"w": 3.0 * jnp.eye(3, 1)}, {}),
        lambda p, aux, x, key=None: Critic((x @ p["w"])[:, 0], x),
    )
    for stack in (parts, parts[::-1]):
        made = compose(nonsaturating(), *stack)(recipe(discriminator=matrix))
        state = start(made, batches)
        losses, info = objective_of(made, batches)(state, KEY, T)
        assert float(info["d/penalty"]) == pytest.approx(1.0, rel=1e-5)
        fake = judge_generated(Players(made.nets, state), batches, KEY).score
        assert float(losses["g"]) == pytest.approx(float(softplus(-fake).mean()), rel=1e-5)
