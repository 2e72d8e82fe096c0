"""What every registered method must do; the methods come from the registry alone."""

import inspect
import itertools
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import largest_difference, trees_equal

from ganbench import registry
from ganbench.assembly import build
from ganbench.game import Optimizer, Players
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


def run(method, key, steps, state=None):
    """The state, the last info and samples after `steps` steps, in one scan."""

    def body(state, t):
        return method.step(state, jax.random.fold_in(key, t), t)

    state = method.init(key) if state is None else state
    state, info = jax.lax.scan(body, state, jnp.arange(steps))
    return state, info, method.generate(state, key)


@cache
def program(stack):
    """(first state, *run of three steps) from a key: one compilation serves most tests."""

    def whole(key):
        method = made(stack)
        state = method.init(key)
        return state, *run(method, key, 3, state)

    return jax.jit(whole)


@cache
def trajectory(stack):
    return program(stack)(KEY)


@pytest.mark.parametrize("name", METHODS)
def test_state_keeps_its_tree_shapes_and_dtypes_and_info_is_scalars(name):
    before, after, info, _ = trajectory(name)
    assert jax.tree.structure(before) == jax.tree.structure(after)
    described = [[(x.shape, x.dtype) for x in jax.tree.leaves(s)] for s in (before, after)]
    assert described[0] == described[1]
    assert all(value.shape == (3,) for value in info.values())


@pytest.mark.parametrize("name", STABILIZERS)
def test_step_reports_losses_gradients_and_updates(name):
    _, _, info, _ = trajectory(name)
    recipe = registry.recipe(name, small(name), setting())
    losses = {f"loss/{loss}" for phase in recipe.schedule for loss in phase}
    norms = {f"{kind}_norm/{player}" for kind in ("grad", "update") for player in recipe.nets}
    assert losses | norms <= set(info)
    assert all(bool(jnp.isfinite(value).all()) for value in info.values())
    assert all(bool((info[n] > 0).all()) for n in norms)


@pytest.mark.parametrize("name", STABILIZERS)
def test_every_float_varies_across_lanes_in_one_trace(name):
    floats = [f"{n}.{p.name}" for n in names_of(name) for p in parameters(n) if p.traced]
    plain = {n: jnp.float32(small(name)[n]) for n in floats} | {"rate": jnp.float32(1e-2)}
    traces = []

    def lane(values):
        traces.append(1)
        rate = values["rate"]
        return run(made(name, rate, **{n: values[n] for n in floats}), KEY, 3)[2]

    lanes = jax.jit(jax.vmap(lane))
    # one lane as it is, and one for each float with that float alone changed
    each = [plain] + [plain | {n: 0.02 * plain[n]} for n in plain]
    samples = lanes(jax.tree.map(lambda *x: jnp.stack(x), *each))
    lanes(jax.tree.map(lambda *x: 0.9 * jnp.stack(x), *each))
    assert len(traces) == 1
    assert bool(jnp.isfinite(samples).all())
    for i, n in enumerate(plain, start=1):
        assert not np.array_equal(samples[0], samples[i]), n


@pytest.mark.parametrize("name", METHODS)
def test_a_lane_equals_its_lone_run_in_float64(name):
    with jax.enable_x64(True):
        method = made(name, dtype=jnp.float64)
        keys = jax.random.split(KEY, 3)

        def lane(key):
            state = jax.tree.map(_double, method.init(key))
            return run(method, key, 5, state)[2]

        many = jax.jit(jax.vmap(lane))(keys)
        lone = jax.jit(lane)(keys[1])
        assert many.dtype == jnp.float64
        assert np.abs(many[1] - lone).max() < 1e-8


def _double(x):
    return x.astype(jnp.float64) if jnp.issubdtype(x.dtype, jnp.floating) else x


@pytest.mark.parametrize("name", METHODS)
def test_same_key_same_result_and_samples_look_like_data(name):
    first = trajectory(name)
    assert trees_equal(first, program(name)(KEY))
    assert first[3].shape == (BATCH, 2)
    assert bool(jnp.isfinite(first[3]).all())
    assert not np.array_equal(first[3], program(name)(jax.random.key(6))[3])


@pytest.mark.parametrize("name", STABILIZERS)
def test_every_player_moves(name):
    before, after, _, _ = trajectory(name)
    for player in before.params:
        assert largest_difference(before.params[player], after.params[player]) > 0, player


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
        after, _ = jax.jit(phase, static_argnums=1)(state, names, KEY, jnp.int32(0))
        named = {loss.split(".")[0] for loss in names}
        for player in state.params:
            untouched = all(
                trees_equal(getattr(state, part)[player], getattr(after, part)[player])
                for part in ("params", "aux", "opt")
            )
            assert untouched == (player not in named), (names, player)


def stacks():
    """Every modifier on every base, and every pair on one; `make test` keeps to that one base."""
    first, *others = BASES
    alone = [(first, modifier) for modifier in MODIFIERS]
    pairs = [(first, *pair) for pair in itertools.combinations(MODIFIERS, 2)]
    more = [(base, modifier) for base in others for modifier in MODIFIERS]
    slow = [pytest.param("+".join(stack), marks=pytest.mark.slow) for stack in more]
    return ["+".join(stack) for stack in alone + pairs] + slow


@pytest.mark.parametrize("stack", stacks())
def test_removing_a_modifier_changes_the_trajectory(stack):
    base, *modifiers = stack.split("+")
    for modifier in modifiers:
        rest = "+".join([base, *(m for m in modifiers if m != modifier)])
        moved = np.abs(trajectory(stack)[3] - trajectory(rest)[3]).max()
        assert moved > 1e-5, modifier  # rounding alone stays below


def slots_of(modifier):
    """The recipe's slots that the modifier replaces or wraps, found by looking."""
    here = setting()
    before = registry.recipe("nonsaturating", {}, here)
    own = {p.name: p.default for p in parameters(modifier)}
    after = METHODS[modifier].factory(**own)(before)
    return tuple(f for f in before._fields if getattr(before, f) is not getattr(after, f))


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
    assert largest_difference(one[1].params, other[1].params) < 1e-6
    assert np.allclose(one[3], other[3], atol=1e-5)


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
