"""How players move: optimism, feedback, noise, local entropy, two time scales."""

import jax
import jax.numpy as jnp
import optax
import pytest
from small import KEY, bilinear, data, normal, recipe, sgd, start

from ganbench.assembly import build
from ganbench.game import Game, ProtocolError, compose
from ganbench.parts import adam
from ganbench.stabilizers.entropy_sgd import entropy_sgd
from ganbench.stabilizers.eve import eve, feedback
from ganbench.stabilizers.gradient_noise import gradient_noise
from ganbench.stabilizers.mode_regularized import mdgan
from ganbench.stabilizers.nonsaturating import minimax, nonsaturating
from ganbench.stabilizers.optimistic import optimistic_adam
from ganbench.stabilizers.together import consensus, extragradient
from ganbench.stabilizers.ttur import ttur
from ganbench.stabilizers.unrolled import unrolled


def test_optimistic_adam_is_twice_adams_direction_less_the_last():
    made = optimistic_adam()(nonsaturating()(recipe(adam(0.5, 0.999), 0.1))).opts["g"]
    plain = optax.scale_by_adam(b1=0.5, b2=0.999, eps_root=1e-16)  # nesterov=False
    params = {"w": jnp.zeros(3)}
    state, other = made.init(params), plain.init(params)
    before = None
    for i in range(4):
        grad = {"w": normal(i, 3)}
        u, other = plain.update(grad, other)
        before = u["w"] if before is None else before
        expected = params["w"] - 0.1 * (2 * u["w"] - before)
        params, state = made.step(grad, state, params, jnp.zeros(()))
        assert jnp.allclose(params["w"], expected, atol=1e-6)
        before = u["w"]


def test_eve_divides_by_the_running_relative_change_of_the_loss():
    decay, low, high = 0.9, 0.1, 10.0
    direction = feedback(decay, low, high)
    state = direction.init({"w": jnp.zeros(())})
    smooth = d = None
    for loss in (1.0, 1.05, -3.0, 60.0, -0.5, 0.49):
        update, state = direction.update({"w": jnp.float32(2.0)}, state, value=jnp.float32(loss))
        f = abs(loss)
        if smooth is None:
            smooth, d = f, 1.0
        else:
            grown = f >= smooth
            least, most = (low + 1, high + 1) if grown else (1 / (high + 1), 1 / (low + 1))
            new = min(max(f / smooth, least), most) * smooth
            d = decay * d + (1 - decay) * abs(new - smooth) / min(new, smooth)
            smooth = new
        assert float(update["w"]) == pytest.approx(2.0 / d, rel=1e-5)


def test_eve_starts_anew_after_a_loss_of_zero_and_has_a_derivative_there():
    direction = feedback(0.9, 0.1, 10.0)
    state = direction.init({"w": jnp.zeros(())})
    for f in (0.0, 2.0):
        update, state = direction.update({"w": jnp.float32(1.0)}, state, value=jnp.float32(f))
        assert float(update["w"]) == 1.0
    assert float(state["loss"]) == 2.0
    fresh = direction.init({"w": jnp.zeros(())})

    def moved(f):
        return direction.update({"w": f}, fresh, value=f)[0]["w"]

    assert bool(jnp.isfinite(jax.grad(moved)(jnp.float32(0.5))))  # what unrolling asks for


def test_eve_is_given_each_players_own_loss():
    made = compose(nonsaturating(), eve())(recipe())
    method = build(made, data())
    state, info = method.step(method.init(KEY), KEY, 0)
    for player in ("d", "g"):
        kept = state.opt[player][1]["loss"]
        assert float(kept) == pytest.approx(float(info[f"loss/{player}"]), rel=1e-5)


def test_gradient_noise_has_the_papers_variance_and_leaves_the_loss_alone():
    batches = data()
    plain = nonsaturating()(recipe(sgd(), 1.0))
    noisy = gradient_noise(eta=0.3, decay=0.55)(plain)
    state = start(plain, batches)

    def stepped(made, key, t):
        return build(made._replace(schedule=(("g",),)), batches).step(state, key, t)

    for t, expected in ((0, 0.3), (99, 0.3 / 100**0.55)):
        step = jnp.int32(t)
        (_, info), (_, noised) = (stepped(m, KEY, step) for m in (plain, noisy))
        assert float(info["loss/g"]) == pytest.approx(float(noised["loss/g"]), abs=1e-6)

        def apart(seed, step=step):
            key = jax.random.fold_in(KEY, seed)
            (a, _), (b, _) = (stepped(m, key, step) for m in (plain, noisy))
            return a.params["g"]["w"] - b.params["g"]["w"]

        noise = jax.jit(jax.vmap(apart))(jnp.arange(500))
        assert float(jnp.var(noise)) == pytest.approx(expected, rel=0.1)
        assert abs(float(jnp.corrcoef(noise[:, 0, 0], noise[:, 0, 1])[0, 1])) < 0.15


def test_local_entropy_of_a_parabola_in_closed_form():
    """f = 1/2 c x^2 without noise: the walk and its mean follow by hand."""

    def parabola(recipe_):
        def losses(players, data, key, t):
            g = players.state.params["g"]
            return {"d": 0 * players.state.params["d"], "g": 1.5 * g**2}, {}

        return bilinear(recipe_)._replace(
            game=Game(lambda *a: {n: (jnp.ones(()), {}) for n in ("d", "g")}, losses)
        )

    settings = dict(steps=4, gamma=0.2, scoping=0.5, rate=0.1, memory=0.75, noise=0.0)
    method = build(compose(parabola, entropy_sgd(**settings))(recipe(sgd(), 1.0)), data())
    state, t = method.init(KEY), 2
    after, info = method.step(state, KEY, jnp.int32(t))
    x = mean = 1.0
    scope = 0.2 * 1.5**t
    for _ in range(4):
        x -= 0.1 * (3.0 * x - scope * (1.0 - x))
        mean = 0.75 * mean + 0.25 * x
    assert float(after.params["g"]) == pytest.approx(1.0 - (1.0 - mean), abs=1e-6)
    assert float(info["loss/g"]) == pytest.approx(1.5)


def test_the_walk_has_langevins_noise_on_every_step():
    """A flat loss: after one step x' is N(theta, 2 rate noise^2) and mu a quarter of the way."""

    def flat(recipe_):
        def losses(players, data, key, t):
            return {name: 0 * players.state.params[name] for name in ("d", "g")}, {}

        return bilinear(recipe_)._replace(
            game=Game(lambda *a: {n: (jnp.ones(()), {}) for n in ("d", "g")}, losses)
        )

    settings = dict(steps=1, gamma=0.0, scoping=0.0, rate=0.5, memory=0.75, noise=0.2)
    method = build(compose(flat, entropy_sgd(**settings))(recipe(sgd(), 1.0)), data())
    state = method.init(KEY)
    keys = jax.vmap(lambda i: jax.random.fold_in(KEY, i))(jnp.arange(4000))
    moved = jax.jit(jax.vmap(lambda key: method.step(state, key, jnp.int32(0))[0].params))(keys)
    for player in ("d", "g"):
        assert float(jnp.var(moved[player])) == pytest.approx(0.25**2 * 2 * 0.5 * 0.2**2, rel=0.1)
    assert abs(float(jnp.corrcoef(moved["d"], moved["g"])[0, 1])) < 0.06  # each its own noise


@pytest.mark.parametrize("modifier", [consensus(), unrolled(1)])
def test_nothing_differentiates_the_walk_once_more(modifier):
    for stack in ((entropy_sgd(), modifier), (modifier, entropy_sgd())):
        with pytest.raises(ProtocolError, match="slope's own slope, which entropy-sgd replaces"):
            build(compose(minimax(), *stack)(recipe()), data())


@pytest.mark.parametrize("modifier", [eve(), optimistic_adam()])
def test_a_memory_of_the_last_move_needs_one_loss_and_one_move_a_step(modifier):
    with pytest.raises(ProtocolError, match="generator's one loss, which mdgan"):
        build(compose(mdgan(), modifier)(recipe()), data())
    with pytest.raises(ProtocolError, match="one move a step, which extragradient"):
        build(compose(nonsaturating(), modifier, extragradient())(recipe()), data())


def test_two_time_scales_change_the_discriminators_rate_alone():
    batches = data()
    one, three = (
        build(s(recipe(sgd(), 0.1)), batches)
        for s in (nonsaturating(), compose(nonsaturating(), ttur(3.0)))
    )
    state = one.init(KEY)
    plain, fast = (m.step(state, KEY, 0)[0] for m in (one, three))

    def move(after, name):
        return jax.tree.map(lambda a, b: a - b, after.params[name], state.params[name])

    assert jnp.allclose(move(fast, "d")["w"], 3 * move(plain, "d")["w"], atol=1e-6)
    made = compose(mdgan(), ttur(3.0))(recipe(sgd(), 0.1))
    rates = {name: pytest.approx(float(opt.rate)) for name, opt in made.opts.items()}
    assert rates == {"d": 0.3, "d2": 0.3, "g": 0.1, "e": 0.1}
