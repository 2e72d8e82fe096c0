"""`build`: what it refuses, and the streams that it hands to phases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import affine, data, largest_difference, recipe, sgd, trees_equal

from ganbench.assembly import build
from ganbench.game import Game, Net, ProtocolError, compose
from ganbench.parts import add_to_loss, two_player_init
from ganbench.stabilizers.mode_regularized import mdgan
from ganbench.stabilizers.nonsaturating import nonsaturating
from ganbench.wrapping import critic_steps, with_direction

KEY = jax.random.key(2)


def broken(**slots):
    return nonsaturating()(recipe())._replace(**slots)


def constant_game(value):
    return Game(two_player_init, lambda players, data, key, t: ({"d": value, "g": value}, {}))


REFUSED = {
    "no game": (broken(game=None), "no game"),
    "an unknown loss": (broken(schedule=(("d",), ("x",))), "names no loss 'x'"),
    "one player twice": (broken(schedule=(("d", "d"),)), "moves one player twice"),
    "a player without net": (broken(nets={"g": affine()}), "needs a net for player 'd'"),
    "a net without player": (
        broken(nets=recipe().nets | {"e": affine()}),
        "must be the same names",
    ),
    "a player without optimizer": (broken(opts={}), "must be the same names"),
    "a loss that is no scalar": (broken(game=constant_game(jnp.ones(3))), "must be a scalar"),
    "a loss of nobody": (
        broken(game=Game(two_player_init, lambda *a: ({"x": jnp.ones(())}, {}))),
        "belongs to no player",
    ),
    "two claims": (
        compose(with_direction(sgd(), "one"), with_direction(sgd(), "other"))(recipe()),
        "one and other both replace the optimizer's direction",
    ),
    "two rules": (
        broken().claim("extragradient", "rule").claim("consensus", "rule"),
        "extragradient and consensus both replace the rule",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_build_refuses(case):
    made, message = REFUSED[case]
    with pytest.raises(ProtocolError, match=message):
        method = build(made, data())
        jax.eval_shape(method.init, KEY)


def growing_net() -> Net:
    plain = affine(3)
    return plain._replace(
        init=lambda key, x: (plain.init(key, x)[0], jnp.zeros(1)),
        refresh=lambda params, aux, info: jnp.concatenate([aux, aux]),
    )


def test_a_step_that_changes_the_states_shape_is_refused_when_traced():
    method = build(nonsaturating()(recipe(generator=growing_net())), data())
    with pytest.raises(ProtocolError, match="changes a state leaf"):
        jax.eval_shape(method.step, method.init(KEY), KEY, 0)


def watched():
    """A game that records the sum of each phase's real batch as its losses' gradient."""

    def losses(players, data, key, t):
        x = data.real(key).sum()
        made = {n: x * players.state.params[n]["b"].sum() for n in ("d", "g")}
        return made, {"d/seen": x, "g/seen": x}

    nets = {"g": affine(3), "d": affine(3)}
    return recipe()._replace(nets=nets, game=Game(two_player_init, losses))


def seen(made, loss):
    method = build(made, data())
    return method.step(method.init(KEY), KEY, 0)[1][f"{loss}/seen"]


def test_editing_the_schedule_moves_no_other_stream():
    plain, more = watched(), critic_steps(3)(watched())
    together = watched()._replace(schedule=(("g",), ("d",)))
    assert seen(plain, "g") == seen(more, "g") == seen(together, "g")
    assert seen(plain, "d") == seen(together, "d")
    assert seen(plain, "d") != seen(plain, "g")
    assert seen(more, "d") != seen(plain, "d")  # the mean over three different batches


def test_split_critic_steps_see_the_batches_of_joined_ones():
    joined = watched()._replace(schedule=(("d",), ("d",), ("g",)))
    split = watched()._replace(schedule=(("d",), ("g",), ("d",)))
    assert seen(joined, "d") == pytest.approx(float(seen(split, "d")), rel=1e-6)


def test_each_loss_is_differentiated_with_respect_to_its_own_player_only():
    def foreign(players, data, key, t):
        return 1e3 * players.state.params["g"]["b"].sum()

    made = compose(nonsaturating(), add_to_loss("d", foreign))
    plain = build(nonsaturating()(recipe()), data())
    other = build(made(recipe()), data())
    state = plain.init(KEY)
    assert trees_equal(plain.step(state, KEY, 0)[0].params, other.step(state, KEY, 0)[0].params)


def test_aux_is_refreshed_once_after_its_player_moved():
    plain = affine(3)
    counting = plain._replace(
        init=lambda key, x: (plain.init(key, x)[0], jnp.zeros(())),
        refresh=lambda params, aux, info: aux + 1,
    )
    made = nonsaturating()(recipe(generator=counting))
    method = build(made._replace(schedule=(("d",), ("d",), ("g",))), data())
    state, _ = method.step(method.init(KEY), KEY, 0)
    assert state.aux["g"] == 1


def test_adding_a_player_moves_no_other_players_start():
    plain = build(nonsaturating()(recipe()), data()).init(KEY)
    more = build(mdgan()(recipe()), data()).init(KEY)
    for name in ("g", "d"):
        assert trees_equal(plain.params[name], more.params[name])
    assert largest_difference(more.params["d"], more.params["d2"]) > 0


def test_reported_norms_are_those_of_gradient_and_update():
    made = nonsaturating()(recipe(sgd(), rate=0.25))
    method = build(made._replace(schedule=(("d",), ("g",))), data())
    state = method.init(KEY)
    after, info = method.step(state, KEY, 0)
    for name in ("d", "g"):
        moved = [
            np.asarray(b - a).ravel()
            for a, b in zip(
                jax.tree.leaves(state.params[name]),
                jax.tree.leaves(after.params[name]),
                strict=True,
            )
        ]
        norm = np.linalg.norm(np.concatenate(moved))
        assert info[f"update_norm/{name}"] == pytest.approx(norm, rel=1e-4)
        assert info[f"grad_norm/{name}"] == pytest.approx(norm / 0.25, rel=1e-4)


def test_a_wrapper_that_hides_the_state_is_refused_when_traced():
    """Who wants to keep something across steps keeps it in `aux`: the harness reads `params`."""

    def hiding(plain):
        def step(state, key, t):
            inner, info = plain.step(state[0], key, t)
            return (inner, state[1]), info

        return plain._replace(init=lambda key: (plain.init(key), 0), step=step)

    method = build(broken(outer=hiding), data())
    with pytest.raises(ProtocolError, match="step returns a tuple for its TrainState"):
        jax.eval_shape(method.step, method.init(KEY), KEY, 0)
