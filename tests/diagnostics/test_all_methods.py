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

#: One of each kind: one game, two discriminators, none, several games, one that keeps more.
FEW = ["nonsaturating", "mdgan", "vae", "gap", "lookahead"]


def made(stack, values):
    """The game of `stack`, whose floats and rate may be tracers."""
    here = setting(values["rate"])
    return inside(registry.recipe(stack, small(stack) | values, here), here)


def columns(stack):
    """Each lane's floats and rate: no lane's are another's."""
    floats = [f"{n}.{p.name}" for n in names_of(stack) for p in parameters(n) if p.traced]
    plain = {n: small(stack)[n] for n in floats} | {"rate": 1e-2}
    return {n: x * np.linspace(1.0, 0.98, LANES, dtype=np.float32) for n, x in plain.items()}


def measured(stack, name):
    """(values, keys, states) -> what diagnostic `name` measures, by lane."""

    def lane(values, key, state):
        return DIAGNOSTICS[name].measure(made(stack, values))(state, key, jnp.int32(2))

    return jax.vmap(lane)


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


@cache
def shapes(stack):
    """`trained` without training."""

    def init(values, key):
        return made(stack, values).method.init(key)

    values, keys = columns(stack), jax.random.split(jax.random.key(3), LANES)
    return values, keys, jax.eval_shape(jax.vmap(init), values, keys)


def games(stack):
    return small(stack)["gap.pairs"] if "gap" in names_of(stack) else 1


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("name", OF_GAMES)
def test_it_is_traced_over_lanes_with_every_game_of_a_method_in_front(name, stack):
    found = jax.eval_shape(measured(stack, name), *shapes(stack))
    assert all(x.shape[:2] == (LANES, games(stack)) for x in found.values())
    assert all(jnp.issubdtype(x.dtype, jnp.floating) for x in found.values())


def pairs(names):
    """Each of the diagnostics on every stack; what is not among the few is slow."""
    return [
        pytest.param(name, stack, marks=() if stack in FEW else pytest.mark.slow)
        for stack in STACKS
        for name in names
    ]


@pytest.mark.parametrize(("name", "stack"), pairs(OF_GAMES))
def test_what_it_tells_is_a_finite_number_at_every_evaluation(name, stack):
    found = jax.tree.map(np.asarray, jax.jit(measured(stack, name))(*trained(stack)))
    for lane in range(LANES):
        own = {n: x[lane] for n, x in found.items()}
        told = DIAGNOSTICS[name].told([own] * EVALUATIONS) if own else {}
        for quantity, values in told.items():
            assert values.shape == (EVALUATIONS,), quantity
            assert np.isfinite(values).all(), quantity


@pytest.mark.parametrize(("name", "stack"), pairs(["mode_hopping"]))
def test_no_sample_hops_while_a_method_stays_as_it_is(name, stack):
    found = jax.tree.map(np.asarray, jax.jit(measured(stack, name))(*trained(stack)))
    assert len(np.unique(found["mode"])) > 1
    for lane in range(LANES):
        told = DIAGNOSTICS[name].told([{n: x[lane] for n, x in found.items()}] * EVALUATIONS)
        assert np.array_equal(told["rate"], [np.nan, 0], equal_nan=True)
