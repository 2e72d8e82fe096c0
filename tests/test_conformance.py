"""What every registered method must do; the methods come from the registry alone."""

import inspect
import itertools
import re
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import largest_difference, trees_equal

from ganbench import registry
from ganbench.assembly import build
from ganbench.game import Optimizer, Players, ProtocolError
from ganbench.parts import adam
from ganbench.registry import METHODS, kinds, names_of, parameters, resolve
from ganbench.setting import Setting, data
from ganbench.tasks.catalogue import TASKS
from ganbench.zoo.catalogue import Sizes, zoo

KEY, BATCH = jax.random.key(5), 8
BASES, MODIFIERS = kinds("base"), kinds("modifier")
STABILIZERS = BASES + MODIFIERS


def setting(rate=1e-2, dtype=jnp.float32, task="ring"):
    made = TASKS[task]()
    nets = zoo("mlp", Sizes(made.shape, 2, 8, 1))
    train, held_out = (jnp.asarray(x, dtype) for x in (made.train, made.held_out))
    return Setting(made, train, held_out, BATCH, 2, nets, Optimizer(adam(0.5, 0.999), rate))


def small(stack):
    """Hyperparameters with which few steps reach everything: no count or period is above two."""
    own = [(f"{n}.{p.name}", p.default) for n in names_of(stack) for p in parameters(n)]
    return resolve(stack, {name: min(d, 2) for name, d in own if type(d) is int})


def made(stack, rate=1e-2, dtype=jnp.float32, **changed):
    return registry.make(stack, small(stack) | changed, setting(rate, dtype))


def run(method, key, steps):
    """(first state, last state, infos, samples) of `steps` steps in one scan, in float64."""

    def body(state, t):
        return method.step(state, jax.random.fold_in(key, t), t)

    before = jax.tree.map(_double, method.init(key))
    after, info = jax.lax.scan(body, before, jnp.arange(steps))
    return before, after, info, method.generate(after, key)


def _double(x):
    return x.astype(jnp.float64) if jnp.issubdtype(x.dtype, jnp.floating) else x


class Seen(NamedTuple):
    """What one compilation of a method shows: a lone run; lanes; how often a lane was traced."""

    before: Any
    after: Any
    info: dict
    samples: Any  # of the lone run
    again: Any  # the same, called again
    other: Any  # the same from another key
    names: tuple[str, ...]  # the floats: lane i + 1 has float i changed, lane 0 is the lone run's
    lanes: Any
    traces: tuple[int, int]  # after the first call and after the second


@cache
def seen(name):
    """Five steps in float64, where rounding cannot hide that lanes meet."""
    floats = [f"{n}.{p.name}" for n in names_of(name) for p in parameters(n) if p.traced]
    plain = {n: small(name)[n] for n in floats}
    if METHODS[name].kind != "reference":
        plain["rate"] = 1e-2
    traces = []

    def lane(values, key):
        traces.append(1)
        own = {n: values[n] for n in floats}
        return run(made(name, values.get("rate", 1e-2), jnp.float64, **own), key, 5)

    @jax.jit
    def both(each, key):
        lone = lane(jax.tree.map(lambda x: x[0], each), key)
        return lone, jax.vmap(lane, in_axes=(0, None))(each, key)[3]

    # one lane as it is, and one for each float with that float alone changed
    each = [plain] + [plain | {n: 0.02 * plain[n]} for n in plain]
    with jax.enable_x64(True):
        columns = {n: jnp.array([one[n] for one in each], jnp.float64) for n in plain}
        columns |= {"": jnp.zeros(len(each))}  # so that a method of no floats has a lane too
        key = jax.random.key(5)
        lone, lanes = both(columns, key)
        first = len(traces)
        again = both(jax.tree.map(lambda x: x + 0, columns), key)[0][3]
        other = both(columns, jax.random.key(6))[0][3]
    return Seen(*lone, again, other, tuple(plain), lanes, (first, len(traces)))


@pytest.mark.parametrize("name", METHODS)
def test_state_keeps_its_tree_shapes_and_dtypes_and_info_is_scalars(name):
    before, after, info, *_ = seen(name)
    assert jax.tree.structure(before) == jax.tree.structure(after)
    described = [[(x.shape, x.dtype) for x in jax.tree.leaves(s)] for s in (before, after)]
    assert described[0] == described[1]
    assert all(value.shape == (5,) for value in info.values())


@pytest.mark.parametrize("name", STABILIZERS)
def test_step_reports_losses_gradients_and_updates(name):
    info = seen(name).info
    recipe = registry.recipe(name, small(name), setting())
    losses = {f"loss/{loss}" for phase in recipe.schedule for loss in phase}
    norms = {f"{kind}_norm/{player}" for kind in ("grad", "update") for player in recipe.nets}
    assert losses | norms <= set(info)
    assert all(bool(jnp.isfinite(value).all()) for value in info.values())
    assert all(bool((info[n] > 0).all()) for n in norms)


@pytest.mark.parametrize("name", STABILIZERS)
def test_every_float_varies_across_lanes_in_one_trace(name):
    made = seen(name)
    assert made.traces == (2, 2)  # the lone run, the lanes; no later call
    assert bool(jnp.isfinite(made.lanes).all())
    for i, n in enumerate(made.names, start=1):
        assert not np.array_equal(made.lanes[0], made.lanes[i]), n


@pytest.mark.parametrize("name", METHODS)
def test_a_lane_equals_its_lone_run_in_float64(name):
    made = seen(name)
    assert made.lanes.dtype == jnp.float64
    assert np.abs(made.lanes[0] - made.samples).max() < 1e-8


@pytest.mark.parametrize("name", METHODS)
def test_same_key_same_result_and_samples_look_like_data(name):
    made = seen(name)
    assert np.array_equal(made.samples, made.again)
    assert made.samples.shape == (BATCH, 2)
    assert bool(jnp.isfinite(made.samples).all())
    assert not np.array_equal(made.samples, made.other)


@pytest.mark.parametrize("name", STABILIZERS)
def test_every_player_moves(name):
    made = seen(name)
    for player in made.before.params:
        moved = largest_difference(made.before.params[player], made.after.params[player])
        assert moved > 0, player


@pytest.mark.parametrize("name", STABILIZERS)
def test_a_phase_leaves_other_players_alone(name):
    here = setting()
    recipe = registry.recipe(name, small(name), here)
    batches = data(here)
    inner = build(recipe._replace(outer=lambda method: method), batches)
    state = inner.init(KEY)

    def bare(state, key, t):
        return recipe.game.losses(Players(recipe.nets, state), batches, key, t)

    objective = recipe.rule.objective(bare, recipe.opts, recipe.nets)
    phase = recipe.rule.phase(objective, recipe.opts, recipe.nets)
    for names in set(recipe.schedule):
        with jax.disable_jit():  # operations are compiled once for all methods
            after, _ = phase(state, names, KEY, jnp.int32(0))
        named = {loss.split(".")[0] for loss in names}
        for player in state.params:
            untouched = all(
                trees_equal(getattr(state, part)[player], getattr(after, part)[player])
                for part in ("params", "aux", "opt")
            )
            assert untouched == (player not in named), (names, player)


@cache
def trajectory(stack):
    """(parameters, samples) after three steps, operation by operation: those are compiled once for
    all stacks, where a program of its own would take each stack seconds.
    """
    method = made(stack)
    with jax.disable_jit():
        state = method.init(KEY)
        for t in range(3):
            state, _ = method.step(state, jax.random.fold_in(KEY, t), jnp.int32(t))
        return state.params, method.generate(state, KEY)


def stacks():
    """Every modifier on every base, and every pair on one; `make test` keeps to that one base."""
    first, *others = BASES
    alone = [(first, modifier) for modifier in MODIFIERS]
    more = [(base, modifier) for base in others for modifier in MODIFIERS]
    more += [(first, *pair) for pair in itertools.combinations(MODIFIERS, 2)]
    slow = [pytest.param("+".join(stack), marks=pytest.mark.slow) for stack in more]
    return ["+".join(stack) for stack in alone] + slow


@pytest.mark.parametrize("stack", stacks())
def test_removing_a_modifier_changes_the_trajectory_or_build_says_why_not(stack):
    base, *modifiers = stack.split("+")
    try:
        made(stack)
    except ProtocolError as error:
        named = [name for name in stack.split("+") if name in re.split(r"[ ,:']", str(error))]
        assert len(named) >= 2, error
        return
    for modifier in modifiers:
        rest = "+".join([base, *(m for m in modifiers if m != modifier)])
        moved = np.abs(trajectory(stack)[1] - trajectory(rest)[1]).max()
        assert moved > 1e-5, modifier  # rounding alone stays below


def slots_of(modifier):
    """The recipe's slots that the modifier replaces or wraps, found by looking."""
    here = setting()
    before = registry.recipe("nonsaturating", {}, here)
    own = {p.name: p.default for p in parameters(modifier)}
    after = METHODS[modifier].factory(**own)(before)
    slots = [f for f in before._fields if f not in ("claims", "needs")]
    return tuple(f for f in slots if getattr(before, f) is not getattr(after, f))


def pairs_of_slots():
    by_slot = {}
    for modifier in MODIFIERS:
        by_slot.setdefault(slots_of(modifier), modifier)
    pairs = itertools.combinations(by_slot.items(), 2)
    return [(a, b) for (slots, a), (others, b) in pairs if not set(slots) & set(others)]


def test_there_are_modifiers_in_different_slots():
    assert len(pairs_of_slots()) >= 3


@pytest.mark.parametrize(("a", "b"), pairs_of_slots())
def test_modifiers_in_different_slots_commute(a, b):
    one, other = trajectory(f"nonsaturating+{a}+{b}"), trajectory(f"nonsaturating+{b}+{a}")
    assert largest_difference(one[0], other[0]) < 1e-6
    assert np.allclose(one[1], other[1], atol=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_docstring_has_formula_arguments_and_reference(name):
    text = inspect.getdoc(METHODS[name].factory)
    for heading in ("Formula:", "Args:", "Reference:"):
        assert heading in text, heading
    assert "arXiv" in text or "IEEE" in text
    arguments = text.split("Args:")[1].split("Reference:")[0]
    starts = sorted((arguments.index(f"{p.name}:"), p) for p in parameters(name))
    ends = [where for where, _ in starts[1:]] + [len(arguments)]
    for (where, parameter), end in zip(starts, ends, strict=False):
        described, kinds = arguments[where:end], ("static", "traced")
        assert kinds[parameter.traced] in described, parameter.name
        assert kinds[not parameter.traced] not in described, parameter.name


@pytest.mark.parametrize("name", METHODS)
def test_hyperparameters_are_annotated_and_have_defaults(name):
    for parameter in parameters(name):
        assert parameter.default is not inspect.Parameter.empty
        assert parameter.annotation is not inspect.Parameter.empty
