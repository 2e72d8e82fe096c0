"""What every diagnostic must do on every method; both come from their tables alone."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from methods import BASES, setting, small

from ganbench import registry
from ganbench.diagnostics.catalogue import DIAGNOSTICS
from ganbench.diagnostics.inside import inside
from ganbench.registry import names_of, parameters

LANES, EVALUATIONS = 2, 2

#: What looks inside games; `mode_hopping` looks at a method's samples, and is null at first.
OF_GAMES = [name for name in DIAGNOSTICS if name != "mode_hopping"]

#: Beside the bases what wraps a net, a player's view, an optimizer, the rule or the whole method.
STACKS = [
    *BASES,
    *("gap", "ema+gap", "pacgan", "spectral-norm", "minibatch-discrimination", "unrolled"),
    *("consensus", "extragradient", "lookahead", "entropy-sgd", "instance-noise"),
]

#: Two discriminators and an encoder; several games, each of which keeps more. The others are slow:
#: a diagnostic takes a second or more to compile.
FEW = ["mdgan", "lookahead+gap"]
STACKS += FEW[-1:]


def made(stack, values):
    """The game of `stack`, whose floats and rate may be tracers."""
    here = setting(values["rate"])
    return inside(registry.recipe(stack, small(stack) | values, here), here)


def columns(stack):
    """Each lane's floats and rate: no lane's are another's."""
    floats = [f"{n}.{p.name}" for n in names_of(stack) for p in parameters(n) if p.traced]
    plain = {n: small(stack)[n] for n in floats} | {"rate": 1e-2}
    return {n: x * np.linspace(1.0, 0.98, LANES, dtype=np.float32) for n, x in plain.items()}


@cache
def trained(stack):
    """(each lane's values, keys, states after two steps)."""

    def lane(values, key):
        method = made(stack, values).method

        def body(state, t):
            return method.step(state, jax.random.fold_in(key, t), t)

        return jax.lax.scan(body, method.init(key), jnp.arange(2))[0]

    values, keys = columns(stack), jax.random.split(jax.random.key(3), LANES)
    return values, keys, jax.jit(jax.vmap(lane))(values, keys)


def found(stack, name):
    """What diagnostic `name` measures there, {quantity: (lanes, games, ...)}."""

    def lane(values, key, state):
        return DIAGNOSTICS[name].measure(made(stack, values))(state, key, jnp.int32(2))

    measured = jax.tree.map(np.asarray, jax.jit(jax.vmap(lane))(*trained(stack)))
    return DIAGNOSTICS[name].reduced(measured)


def games(stack):
    return small(stack)["gap.pairs"] if "gap" in names_of(stack) else 1


PAIRS = [
    pytest.param(name, stack, marks=() if stack in FEW else pytest.mark.slow)
    for stack in STACKS
    for name in OF_GAMES
]


@pytest.mark.parametrize(("name", "stack"), PAIRS)
def test_every_game_of_every_lane_is_measured_and_told_in_finite_numbers(name, stack):
    measured = found(stack, name)
    for quantity, x in measured.items():
        assert x.shape[:2] == (LANES, games(stack)), quantity
        assert np.issubdtype(x.dtype, np.floating), quantity
    for lane in range(LANES):
        own = {n: x[lane] for n, x in measured.items()}
        told = DIAGNOSTICS[name].told([own] * EVALUATIONS) if own else {}
        for quantity, values in told.items():
            assert values.shape == (EVALUATIONS,), quantity
            assert np.isfinite(values).all(), quantity


@pytest.mark.parametrize("name", DIAGNOSTICS)
@pytest.mark.parametrize("stack", ["nonsaturating", "gap"])
def test_nothing_is_factored_on_the_device(name, stack):
    """A batch of factorings splits over the threads of its own pool: two devices wait for ever."""

    def lane(values, key):
        game = made(stack, values)
        return DIAGNOSTICS[name].measure(game)(game.method.init(key), key, jnp.int32(2))

    given = columns(stack), jax.random.split(jax.random.key(3), LANES)
    program = jax.jit(jax.vmap(lane)).lower(*given).as_text()
    assert "func.func public @main" in program and "lapack" not in program
