"""Games with an encoder: which term reaches which player, and with which sign."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.nn import softplus
from small import (
    BATCH,
    KEY,
    LATENT,
    T,
    at,
    close,
    data,
    losses_of,
    normal,
    objective_of,
    recipe,
    slope_by_hand,
    slopes_of,
    start,
)

from ganbench.game import Critic, Net, compose
from ganbench.parts import generated, judge_generated, judge_real
from ganbench.seeds import fold_name
from ganbench.stabilizers.autoencoding import divergence, vae, vaegan
from ganbench.stabilizers.bidirectional import ali, bigan, drawn, veegan
from ganbench.stabilizers.infogan import code_likelihood, drawn_code, infogan
from ganbench.stabilizers.instance_noise import instance_noise
from ganbench.stabilizers.pacgan import pacgan


def joint_critic() -> Net:
    """A smooth critic of a sample and a code; the two enter differently."""

    def init(key, *inputs):
        keys = jax.random.split(key, len(inputs))
        return [
            jax.random.normal(k, x.shape[1:], x.dtype) for k, x in zip(keys, inputs, strict=True)
        ], {}

    def apply(p, aux, *inputs, key=None):
        h = sum(jnp.tanh(x) @ w for x, w in zip(inputs, p, strict=True))
        return Critic(h, h[:, None])

    return Net(init, apply)


def made(stabilizer):
    return losses_of(stabilizer, recipe(discriminator=joint_critic()))


@pytest.mark.parametrize("base", [ali, bigan])
def test_both_terms_reach_generator_and_encoder_with_swapped_labels(base):
    losses, players, batches = made(base())
    code = players("e", batches.real(KEY), key=fold_name(KEY, "e"))
    if base is ali:
        mean, log_variance = code
        code = drawn(mean, log_variance, fold_name(KEY, "code"))
    q = players("d", batches.real(KEY), code).score
    p = players("d", generated(players, batches, KEY), batches.latent(KEY)).score
    assert jnp.allclose(losses["d"], softplus(-q).mean() + softplus(p).mean(), atol=1e-6)
    swapped = softplus(q).mean() + softplus(-p).mean()
    assert jnp.allclose(losses["g"], swapped, atol=1e-6)
    assert jnp.allclose(losses["e"], swapped, atol=1e-6)


@pytest.mark.parametrize("base", [ali, bigan])
def test_the_encoder_learns_from_its_codes_and_the_generator_from_its_samples(base):
    """A code or a sample that is a constant to the gradient would leave one of them at rest."""

    def loss(players, batches):
        x = batches.real(KEY)
        code = players("e", x)
        if base is ali:
            code = drawn(*code, fold_name(KEY, "code"))
        q = players("d", x, code).score
        p = players("d", generated(players, batches, KEY), batches.latent(KEY)).score
        return softplus(q).mean() + softplus(-p).mean()

    made = slopes_of(base(), recipe(discriminator=joint_critic()))
    for name in ("g", "e"):
        by_hand = slope_by_hand(base(), name, loss, recipe(discriminator=joint_critic()))
        assert close(made[name], by_hand), name


def test_a_code_has_the_mean_and_the_variance_that_the_encoder_says():
    mean, variance = normal(1, 20_000, 2), jnp.array([4.0, 0.25])
    apart = drawn(mean, jnp.log(variance), KEY) - mean
    assert np.allclose(apart.mean(0), 0, atol=0.05)
    assert np.allclose(apart.var(0), variance, rtol=0.05)


def test_alis_encoder_draws_and_bigans_does_not():
    for base, differs in ((ali, True), (bigan, False)):
        stack = base()(recipe(discriminator=joint_critic()))
        state = start(stack, data())
        fixed = data()._replace(latent=lambda key: jnp.zeros((BATCH, LATENT)))
        fixed = fixed._replace(real=lambda key: jnp.ones((BATCH, 3)))
        losses = [
            float(objective_of(stack, fixed)(state, jax.random.key(seed), T)[0]["d"])
            for seed in (0, 1)
        ]
        assert (losses[0] != losses[1]) == differs


def test_veegan_measures_latents_and_labels_generated_pairs_one():
    losses, players, batches = made(veegan())
    x, z = batches.real(KEY), batches.latent(KEY)
    sample = generated(players, batches, KEY)
    q = players("d", x, players("e", x)).score
    p = players("d", sample, z).score
    assert jnp.allclose(losses["d"], softplus(-p).mean() + softplus(q).mean(), atol=1e-6)
    distance = jnp.sum((z - players("e", sample)) ** 2, axis=-1).mean()
    assert jnp.allclose(losses["g"], p.mean() + distance, atol=1e-5)
    assert jnp.allclose(losses["e"], losses["g"])


def test_divergence_from_the_standard_normal_in_closed_form():
    mean, log_variance = jnp.array([[1.0, -2.0]]), jnp.log(jnp.array([[4.0, 0.5]]))
    by_hand = sum(0.5 * (m**2 + v - np.log(v) - 1) for m, v in ((1, 4), (-2, 0.5)))
    assert jnp.allclose(divergence(mean, log_variance), by_hand)
    assert jnp.allclose(divergence(jnp.zeros((3, 2)), jnp.zeros((3, 2))), 0.0)


def test_vae_has_no_discriminator_and_trains_on_its_bound():
    stack = vae(scale=0.5)(recipe())
    assert set(stack.nets) == {"g", "e"} and stack.schedule == (("g", "e"),)
    losses, players, batches = losses_of(vae(scale=0.5))
    mean, log_variance = players("e", batches.real(KEY))
    rebuilt = players("g", drawn(mean, log_variance, fold_name(KEY, "code")))
    squared = jnp.sum((batches.real(KEY) - rebuilt) ** 2, axis=-1).mean()
    expected = squared / (2 * 0.25) + divergence(mean, log_variance).mean()
    assert jnp.allclose(losses["g"], expected, rtol=1e-5)
    assert jnp.allclose(losses["e"], expected, rtol=1e-5)


def test_vaegans_encoder_never_sees_the_gans_loss():
    losses, players, batches = losses_of(vaegan(weight=0.25))
    mean, log_variance = players("e", batches.real(KEY))
    rebuilt = players("g", drawn(mean, log_variance, fold_name(KEY, "code")))
    real, fake = (judge(players, batches, KEY) for judge in (judge_real, judge_generated))
    again = players("d", rebuilt)
    similar = 0.5 * jnp.sum((real.features - again.features) ** 2, axis=-1).mean()
    caught = softplus(fake.score).mean() + softplus(again.score).mean()
    assert jnp.allclose(losses["e"], divergence(mean, log_variance).mean() + similar, rtol=1e-5)
    assert jnp.allclose(losses["g"], 0.25 * similar - 0.75 * caught, rtol=1e-5)
    assert jnp.allclose(losses["d"], softplus(-real.score).mean() + 0.5 * caught, rtol=1e-5)


def _rebuilt(players, batches):
    mean, log_variance = players("e", batches.real(KEY))
    code = drawn(mean, log_variance, fold_name(KEY, "code"))
    return divergence(mean, log_variance).mean(), players("g", code)


def test_vaegans_players_follow_the_gradients_of_their_own_terms():
    """A gradient cut between decoder and encoder, or let through to D, would change one."""

    def similar(players, batches):
        kl, rebuilt = _rebuilt(players, batches)
        apart = players("d", batches.real(KEY)).features - players("d", rebuilt).features
        return kl, 0.5 * jnp.sum(apart**2, axis=-1).mean(), rebuilt

    def caught(players, batches, rebuilt):
        made = players("d", generated(players, batches, KEY)).score, players("d", rebuilt).score
        return sum(softplus(score).mean() for score in made)

    def of_e(players, batches):
        kl, distance, _ = similar(players, batches)
        return kl + distance

    def of_g(players, batches):
        _, distance, rebuilt = similar(players, batches)
        return 0.25 * distance - 0.75 * caught(players, batches, rebuilt)

    def of_d(players, batches):
        real = softplus(-players("d", batches.real(KEY)).score).mean()
        return real + 0.5 * caught(players, batches, _rebuilt(players, batches)[1])

    stack = vaegan(weight=0.25)
    made = slopes_of(stack)
    for name, loss in (("e", of_e), ("g", of_g), ("d", of_d)):
        assert close(made[name], slope_by_hand(stack, name, loss)), name


def test_reconstructions_are_compared_under_the_noise_of_data():
    """Noise drawn apart would keep even a perfect reconstruction from being alike."""
    shift = Net(lambda key, *x: ({"b": jnp.zeros(())}, {}), lambda p, aux, x, key=None: x + p["b"])
    given = recipe(generator=shift)
    given = given._replace(zoo={**given.zoo, "encoder": shift})
    batches = data()._replace(latent=lambda key: normal(1, BATCH, 3))
    stack = compose(vaegan(), instance_noise(0.5))(given)
    state = start(stack, batches)
    exact = {"mean": {"b": jnp.zeros(())}, "log_variance": {"b": jnp.float32(-60.0)}}
    _, info = objective_of(stack, batches)(at(state, e=exact), KEY, T)
    assert float(info["e/similarity"]) < 1e-3


def test_codes_are_a_category_and_values_between_minus_one_and_one():
    code = drawn_code(KEY, 5000, 4, 2, jnp.float32)
    assert jnp.array_equal(jnp.sort(code[:, :4], axis=1)[:, -1], jnp.ones(5000))
    assert jnp.array_equal(code[:, :4].sum(1), jnp.ones(5000))
    assert np.allclose(code[:, :4].mean(0), 0.25, atol=0.03)
    assert -1 <= float(code[:, 4:].min()) < -0.99 and 0.99 < float(code[:, 4:].max()) <= 1
    guess = jnp.array([[1.0, 2.0, 0.5]])
    likely = code_likelihood(guess, jnp.array([[0.0, 1.0, -0.5]]), 2)
    assert jnp.allclose(likely, 2 - np.log(np.exp(1) + np.exp(2)) - 0.5 * 1.0)


def test_infogans_losses_are_the_formula():
    stack = infogan(2.0, categories=3, continuous=1)
    losses, players, batches = losses_of(stack)

    def parts(players, batches):
        """(E sp(-d(x)), d on samples, I), by hand."""
        own = fold_name(KEY, "g")
        code = drawn_code(fold_name(own, "code"), BATCH, 3, 1, jnp.float32)
        fake = players("d", players("g", batches.latent(KEY), key=own))
        head = players.state.params["q"]
        guess = fake.features @ head["w"] + head["b"]
        sure = (jax.nn.log_softmax(guess[:, :3]) * code[:, :3]).sum(-1)
        real = players("d", batches.real(KEY)).score
        return (
            softplus(-real).mean(),
            fake.score,
            (sure - 0.5 * (guess[:, 3] - code[:, 3]) ** 2).mean(),
        )

    by_hand = {
        "d": lambda real, fake, i: real + softplus(fake).mean() - 2 * i,
        "g": lambda real, fake, i: softplus(-fake).mean() - 2 * i,
        "q": lambda real, fake, i: -i,
    }
    slopes = slopes_of(stack)
    for name, formula in by_hand.items():
        assert jnp.allclose(losses[name], formula(*parts(players, batches)), rtol=1e-5), name
        slope = slope_by_hand(stack, name, lambda p, b, formula=formula: formula(*parts(p, b)))
        assert close(slopes[name], slope), name


def test_information_reaches_generator_and_discriminator():
    """A cut gradient would leave both players' gradients as they are without the term."""
    stacks = [infogan(weight, categories=3, continuous=1)(recipe()) for weight in (0.0, 1.0)]
    state = start(stacks[0], data())
    grads = []
    for stack in stacks:
        objective = objective_of(stack, data())

        def loss(params, name, objective=objective):
            return objective(state._replace(params={**state.params, **params}), KEY, T)[0][name]

        grads.append({n: jax.grad(loss)({n: state.params[n]}, n)[n] for n in ("d", "g", "q")})
    for player in ("d", "g"):
        apart = [
            jnp.abs(a - b).max()
            for a, b in zip(
                *map(jax.tree.leaves, (grads[0][player], grads[1][player])), strict=True
            )
        ]
        assert float(max(apart)) > 1e-3, player
    assert float(jnp.abs(grads[1]["q"]["w"]).max()) > 1e-3


def test_the_generators_code_is_what_its_head_must_find():
    """A generator that shows its code makes the likelihood exact."""

    def shows(*shape):
        return Net(
            lambda key, z: ({"b": jnp.zeros(())}, {}),
            lambda p, aux, z, key=None: z[:, LATENT:] + p["b"],
        )

    def passes() -> Net:
        return Net(
            lambda key, x: ({"b": jnp.zeros(())}, {}),
            lambda p, aux, x, key=None: Critic(x[:, 0] + p["b"], x),
        )

    stack = infogan(1.0, categories=2, continuous=1)(
        recipe(discriminator=passes(), generator=shows())
    )
    state = start(stack, data())
    state = state._replace(params={**state.params, "q": {"w": 50 * jnp.eye(3), "b": jnp.zeros(3)}})
    state.params["q"]["w"] = state.params["q"]["w"].at[2, 2].set(1.0)
    losses, _ = objective_of(stack, data())(state, KEY, T)
    assert float(losses["q"]) == pytest.approx(0.0, abs=1e-4)


def test_no_packs_for_a_code_of_each_sample():
    from ganbench.assembly import build
    from ganbench.game import ProtocolError

    with pytest.raises(ProtocolError, match="infogan needs the one judgement a sample"):
        build(compose(infogan(), pacgan())(recipe()), data())
