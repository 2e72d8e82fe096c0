"""What every registered method must do; the methods come from the registry alone."""

import inspect
import re
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from methods import BASES, BATCH, KEY, MODIFIERS, doubled, made, setting, small
from small import phase_of

from ganbench import registry
from ganbench.assembly import assemble
from ganbench.registry import METHODS, names_of, parameters
from ganbench.setting import data, plain

STABILIZERS = BASES + MODIFIERS


def run(method, key, steps, before=None):
    """(first state, last state, infos, samples) of `steps` steps in one scan, in float64."""

    def body(state, t):
        return method.step(state, jax.random.fold_in(key, t), t)

    before = before or jax.tree.map(doubled, method.init(key))
    after, info = jax.lax.scan(body, before, jnp.arange(steps))
    return before, after, info, method.generate(after, key)


class Seen(NamedTuple):
    """What one compilation of a method shows; every leaf with the lanes in front."""

    before: Any
    after: Any
    info: dict
    samples: Any
    again: Any  # the samples of a second call
    other: Any  # the same from another key
    names: tuple[str, ...]  # lane i + 1 has the float of this name changed, lane 0 is as it was
    traces: tuple[int, int]  # how often a lane was traced: after the first call, after the last


@cache
def lanes_of(name):
    """(lane, the arguments of all lanes, what is changed in each but the first, its traces)."""
    floats = [f"{n}.{p.name}" for n in names_of(name) for p in parameters(n) if p.traced]
    plain = {n: small(name)[n] for n in floats}
    if METHODS[name].kind != "reference":
        plain["rate"] = 1e-2
    traces = []

    def lane(values, key, before=None):
        traces.append(1)
        own = {n: values[n] for n in floats}
        return run(made(name, values.get("rate", 1e-2), jnp.float64, **own), key, 5, before)

    # one lane as it is, and one or more for each float with that float alone changed
    bounds = {f"{n}.{p.name}": bounds_of(p) for n in names_of(name) for p in parameters(n)}
    others = [(n, x) for n in plain for x in (0.02 * plain[n] or 0.02, *bounds.get(n, ()))]
    each = [plain] + [plain | {n: x} for n, x in others]
    columns = {n: np.array([one[n] for one in each]) for n in plain}
    columns |= {"": np.zeros(len(each))}  # so that a method of no floats has a lane too
    return lane, columns, tuple(n for n, _ in others), traces


@cache
def seen(name):
    """Five steps in float64, where rounding cannot hide that lanes meet."""
    lane, columns, names, traces = lanes_of(name)
    lanes = jax.jit(jax.vmap(lane, in_axes=(0, None)))
    with jax.enable_x64(True):
        made = _on_host(lanes(columns, jax.random.key(5)))
        first = len(traces)
        again = _on_host(lanes({n: x + 0 for n, x in columns.items()}, jax.random.key(5))[3])
        other = _on_host(lanes(columns, jax.random.key(6))[3])
        return Seen(*made, again, other, names, (first, len(traces)))


def bounds_of(parameter):
    """The least and the largest value that are allowed, where there are such."""
    found = getattr(parameter.annotation, "__metadata__", ())
    return [
        float(x)
        for m in found
        for x in (getattr(m, "ge", None), getattr(m, "le", None))
        if x is not None
    ]


def _on_host(tree):
    return jax.tree.map(np.asarray, tree)


@pytest.mark.parametrize("name", METHODS)
def test_state_keeps_its_tree_shapes_and_dtypes_and_info_is_scalars(name):
    before, after, info, *_ = seen(name)
    assert jax.tree.structure(before) == jax.tree.structure(after)
    described = [[(x.shape, x.dtype) for x in jax.tree.leaves(s)] for s in (before, after)]
    assert described[0] == described[1]
    assert all(value.shape[1:] == (5,) for value in info.values())


@pytest.mark.parametrize("name", STABILIZERS)
def test_step_reports_losses_gradients_and_updates(name):
    info = {n: value[0] for n, value in seen(name).info.items()}
    recipe = registry.recipe(name, small(name), setting())
    losses = {f"loss/{loss}" for phase in recipe.schedule for loss in phase}
    norms = {f"{kind}_norm/{player}" for kind in ("grad", "update") for player in recipe.nets}
    assert losses | norms <= set(info)
    assert all(np.isfinite(value).all() for value in info.values())
    assert all((info[n] > 0).all() for n in norms)


@pytest.mark.parametrize("name", STABILIZERS)
def test_every_float_varies_across_lanes_in_one_trace(name):
    made = seen(name)
    assert made.traces == (1, 1)
    ends = jax.tree.leaves((made.after, made.samples))
    assert all(np.isfinite(x).all() for x in ends if x.dtype == np.float64)
    changed = [any((x[0] != x[i + 1]).any() for x in ends) for i in range(len(made.names))]
    assert {n for n, moved in zip(made.names, changed, strict=True) if moved} == set(made.names)


def some():
    """The first name of each kind, then all the others, which are slow."""
    first = {METHODS[name].kind: name for name in reversed(METHODS)}
    others = [name for name in METHODS if name not in first.values()]
    return [*first.values(), *(pytest.param(name, marks=pytest.mark.slow) for name in others)]


@pytest.mark.parametrize("name", some())
def test_a_lane_equals_its_lone_run_in_float64(name):
    many, (lane, columns, *_) = seen(name).samples, lanes_of(name)
    with jax.enable_x64(True):
        before = jax.tree.map(lambda x: x[0], seen(name).before)  # drawn in float32
        own = {n: x[0] for n, x in columns.items()}
        lone = jax.jit(lane)(own, jax.random.key(5), before)[3]
        assert many.dtype == lone.dtype == np.float64
        assert np.abs(many[0] - lone).max() < 1e-8


@pytest.mark.parametrize("name", METHODS)
def test_same_key_same_result_and_samples_look_like_data(name):
    made = seen(name)
    assert np.array_equal(made.samples, made.again)
    assert made.samples.shape[1:] == (BATCH, 2)
    assert np.isfinite(made.samples).all()
    assert not np.array_equal(made.samples[0], made.other[0])


@pytest.mark.parametrize("name", STABILIZERS)
def test_every_player_moves(name):
    made = seen(name)
    for player in made.before.params:
        ends = [jax.tree.leaves(s.params[player]) for s in (made.before, made.after)]
        assert any((a[0] != b[0]).any() for a, b in zip(*ends, strict=True)), player


@pytest.mark.parametrize("name", STABILIZERS)
def test_a_phase_leaves_other_players_alone(name):
    here = setting()
    recipe = registry.recipe(name, small(name), here)
    batches = data(here)
    inner = assemble(recipe._replace(outer=lambda method: method), batches)
    state = jax.eval_shape(inner.init, KEY)
    phase = phase_of(recipe, batches)
    owners = [owner(path) for path, _ in jax.tree_util.tree_leaves_with_path(state)]
    for names in set(recipe.schedule):
        traced = jax.make_jaxpr(lambda *given, names=names: phase(given[0], names, *given[1:])[0])
        made = traced(state, KEY, jnp.int32(0)).jaxpr
        kept = [x is y for x, y in zip(made.invars, made.outvars, strict=False)]
        named = {loss.split(".")[0] for loss in names}
        for player in recipe.nets:
            own = [k for k, who in zip(kept, owners, strict=True) if who == player]
            assert all(own) == (player not in named), (names, player)


def test_the_discriminator_moves_first():
    assert plain(setting()).schedule == (("d",), ("g",))


def owner(path):
    """The player that a leaf of the state belongs to: the first key below params, aux or opt."""
    return path[1].key


@pytest.mark.parametrize("name", MODIFIERS)
def test_removing_a_lone_modifier_changes_the_trajectory(name):
    base = names_of(name)[0]
    assert np.abs(seen(name).samples[0] - seen(base).samples[0]).max() > 1e-5


@pytest.mark.parametrize("name", METHODS)
def test_docstring_has_formula_arguments_and_reference(name):
    text = inspect.getdoc(METHODS[name].factory)
    for heading in ("Formula:", "Args:", "Reference:"):
        assert heading in text, heading
    assert re.search(r"arXiv\s+\d{4}\.\d{4,5}|OpenReview|IEEE", text)
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
