"""Players that move together: the bilinear game, consensus, extrapolation."""

import jax
import jax.numpy as jnp
import pytest
from small import KEY, bilinear, data, recipe, sgd

from ganbench.assembly import assemble, build
from ganbench.game import Data, compose
from ganbench.parts import adam
from ganbench.stabilizers.nonsaturating import nonsaturating
from ganbench.stabilizers.optimistic import optimistic_adam
from ganbench.stabilizers.together import consensus, extragradient, joined, simultaneous


def travelled(stabilizer, steps=500, rate=0.1):
    """The final distance from (0, 0) on the bilinear game."""
    with jax.enable_x64(True):
        method = build(compose(bilinear, stabilizer)(recipe(sgd(), rate)), data())
        state = jax.tree.map(
            lambda x: x.astype(jnp.float64) if x.dtype == jnp.float32 else x, method.init(KEY)
        )

        def body(state, t):
            return method.step(state, KEY, t)[0], None

        state, _ = jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(steps)))(state)
        return float(jnp.hypot(state.params["d"], state.params["g"]))


@pytest.mark.parametrize(
    ("stabilizer", "norm"),
    [
        (simultaneous(), 17.016),
        (lambda recipe: recipe, 1.419),
        (extragradient(), 0.118),
        (compose(optimistic_adam(), simultaneous()), 0.113),
    ],
)
def test_bilinear_game_after_500_steps_of_a_tenth(stabilizer, norm):
    assert travelled(stabilizer) == pytest.approx(norm, abs=5e-4)


def test_consensus_adds_the_gradient_of_the_games_norm():
    """v = (-g, d) for the losses (-d g, d g); 1/2 |v|^2 has gradient (d, g)."""
    with jax.enable_x64(True):
        made = build(compose(bilinear, consensus(gamma=0.5))(recipe(sgd(), 0.1)), data())
        state = made.init(KEY)
        state = state._replace(params={"d": jnp.float64(2.0), "g": jnp.float64(-3.0)})
        after, _ = made.step(state, KEY, 0)
    assert float(after.params["d"]) == pytest.approx(2.0 - 0.1 * (3.0 + 0.5 * 2.0))
    assert float(after.params["g"]) == pytest.approx(-3.0 - 0.1 * (2.0 + 0.5 * -3.0))


def test_neighbouring_phases_are_joined_without_moving_a_player_twice():
    assert joined((("d",), ("g",))) == (("d", "g"),)
    assert joined((("d",),) * 5 + (("g",),)) == (("d",),) * 4 + (("d", "g"),)
    assert joined((("d",), ("r",), ("g",))) == (("d", "r", "g"),)
    manifold = (("d",), ("g.manifold", "e.manifold"), ("d2",), ("g.diffusion",))
    assert joined(manifold) == (("d", "g.manifold", "e.manifold"), ("d2", "g.diffusion"))
    assert joined((("g", "e"),)) == (("g", "e"),)


def test_extragradient_takes_its_second_gradient_on_another_batch():
    keys = []
    batches = data()

    def real(key):
        keys.append(jax.random.key_data(key).tolist())
        return batches.real(key)

    made = compose(nonsaturating(), extragradient())(recipe(sgd()))
    method = assemble(made, Data(real, batches.latent))
    with jax.disable_jit():
        state = method.init(KEY)
        keys.clear()
        method.step(state, KEY, 0)
    assert len({tuple(key) for key in keys}) == 2


def test_extragradients_moments_advance_in_both_moves():
    """Extra-Adam: an optimizer that forgot the extrapolation would count one move."""
    made = build(compose(bilinear, extragradient())(recipe(adam(0.5, 0.9), 0.1)), data())
    state, _ = made.step(made.init(KEY), KEY, 0)
    direction = adam(0.5, 0.9)
    point, moments = {"d": jnp.ones(()), "g": jnp.ones(())}, {}
    moments = {name: direction.init(point[name]) for name in point}
    where = point
    for _ in range(2):  # the slope at the point, then at the tentative one, both from the point
        slope = {"d": -where["g"], "g": where["d"]}
        moved = {name: direction.update(slope[name], moments[name]) for name in point}
        moments = {name: made for name, (_, made) in moved.items()}
        where = {name: point[name] - 0.1 * step for name, (step, _) in moved.items()}
    for name in point:
        assert int(state.opt[name].count) == 2
        assert float(state.params[name]) == pytest.approx(float(where[name]), rel=1e-6)
