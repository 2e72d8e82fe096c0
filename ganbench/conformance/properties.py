"""What every registered method must do, one property at a time."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganbench import registry
from ganbench.assembly import assemble, objective_of
from ganbench.conformance.trial import BATCH, KEY, STEPS, lanes_of, seen, setting, small
from ganbench.registry import METHODS, names_of, parameters
from ganbench.setting import data

ANY, GAMES, MODIFIERS = (
    ("reference", "method", "base", "modifier"),
    ("base", "modifier"),
    ("modifier",),
)


class Property(NamedTuple):
    """Something that holds of a method, or is why it does not go into a benchmark."""

    name: str
    says: str
    check: Callable[[str], None]  # raises Unmet, or whatever the method raises
    kinds: tuple[str, ...]  # of methods that have it


class Unmet(AssertionError):
    """A property that was looked at and does not hold."""


def told(holds: bool, otherwise: str) -> None:
    """Raises `Unmet` with what is the case otherwise."""
    if not holds:
        raise Unmet(otherwise)


def hyperparameters(name: str) -> None:
    for parameter in parameters(name):
        for what in ("default", "annotation"):
            missing = getattr(parameter, what) is inspect.Parameter.empty
            told(not missing, f"{parameter.name} has no {what}")


def docstring(name: str) -> None:
    text = inspect.getdoc(METHODS[name].factory) or ""
    for heading in ("Formula:", "Args:", "Reference:"):
        told(heading in text, f"the docstring has no {heading}")
    arguments = text.split("Args:")[1].split("Reference:")[0]
    places = [(arguments.find(f"{p.name}:"), p) for p in parameters(name)]
    for where, parameter in places:
        told(where >= 0, f"Args: says nothing of {parameter.name}")
    starts = sorted(places, key=lambda place: place[0])
    ends = [where for where, _ in starts[1:]] + [len(arguments)]
    for (where, parameter), end in zip(starts, ends, strict=False):  # without any there is one end
        described, kinds = arguments[where:end], ("static", "traced")
        right, wrong = kinds[parameter.traced], kinds[not parameter.traced]
        called = right in described and wrong not in described
        told(called, f"Args: {parameter.name} is {right}, and must be called so")


def builds(name: str) -> None:
    registry.check(name, small(name), setting())


def lanes(name: str) -> None:
    seen(name)


def shapes(name: str) -> None:
    made = seen(name)
    told(
        bool(jax.tree.structure(made.before) == jax.tree.structure(made.after)),  # type: ignore[operator]
        "the state after a step is not built as the one before",
    )
    pairs = zip(
        jax.tree_util.tree_leaves_with_path(made.before), jax.tree.leaves(made.after), strict=True
    )
    for (path, before), after in pairs:
        same = (before.shape, before.dtype) == (after.shape, after.dtype)
        where = jax.tree_util.keystr(path)
        told(same, f"state{where}: {before.dtype}{before.shape} becomes {after.dtype}{after.shape}")
    for key, value in made.info.items():
        told(value.shape[1:] == (STEPS,), f"info {key!r} is no scalar: {value.shape[2:]}")


def samples(name: str) -> None:
    made = seen(name)
    shape = made.samples.shape[1:]
    told(shape == (BATCH, 2), f"generate gives {shape} samples, must be {(BATCH, 2)}")
    told(bool(np.isfinite(made.samples).all()), "samples are not finite after a few steps")


def keys(name: str) -> None:
    made = seen(name)
    same = np.array_equal(made.samples, made.again, equal_nan=True)
    told(same, "the same key gives other samples")
    other = not np.array_equal(made.samples[0], made.other[0], equal_nan=True)
    told(other, "another key gives the same samples")


def reports(name: str) -> None:
    info = {key: value[0] for key, value in seen(name).info.items()}
    recipe = registry.recipe(name, small(name), setting())
    losses = {f"loss/{loss}" for phase in recipe.schedule for loss in phase}
    norms = {f"{kind}_norm/{player}" for kind in ("grad", "update") for player in recipe.nets}
    for key in sorted(losses | norms):
        told(key in info, f"info has no {key!r}")
    for key, value in info.items():
        told(bool(np.isfinite(value).all()), f"info {key!r} is not finite")
    for key in sorted(norms):
        told(bool((info[key] > 0).all()), f"{key} is zero")


def floats(name: str) -> None:
    made = seen(name)
    told(made.traces == (1, 1), "values of a float are compiled anew: is it a Python number?")
    ends = jax.tree.leaves((made.after, made.samples))
    finite = all(np.isfinite(x).all() for x in ends if x.dtype == np.float64)
    told(finite, "not finite at 0.02 of a float, or at its least or largest value")
    moved = [any((x[0] != x[i + 1]).any() for x in ends) for i in range(len(made.names))]
    found = {n for n, one in zip(made.names, moved, strict=True) if one}
    idle = sorted(set(made.names) - found)
    told(not idle, f"changes nothing: {', '.join(idle)}")


def alone(name: str) -> None:
    many, (lane, columns, *_) = seen(name).samples, lanes_of(name)
    with jax.enable_x64(True):
        before = jax.tree.map(lambda x: x[0], seen(name).before)  # drawn in float32
        own = {n: x[0] for n, x in columns.items()}
        lone = np.asarray(jax.jit(lane)(own, jax.random.key(5), before)[3])
    told(many.dtype == lone.dtype == np.float64, f"samples are {lone.dtype}, of float64 nets")
    apart = float(np.abs(many[0] - lone).max())
    told(apart < 1e-8, f"a lane among others is {apart:.1g} from the same one alone")


def moves(name: str) -> None:
    made = seen(name)
    for player in made.before.params:
        ends = [jax.tree.leaves(s.params[player]) for s in (made.before, made.after)]
        moved = any((a[0] != b[0]).any() for a, b in zip(*ends, strict=True))
        told(moved, f"player {player} never moves")


def turns(name: str) -> None:
    here = setting()
    recipe = registry.recipe(name, small(name), here)
    batches = data(here)
    inner = assemble(recipe._replace(outer=lambda method: method), batches)
    state = jax.eval_shape(inner.init, KEY)
    phase = recipe.rule.phase(objective_of(recipe, batches), recipe.opts, recipe.nets)
    owners = [path[1].key for path, _ in jax.tree_util.tree_leaves_with_path(state)]
    for names in set(recipe.schedule):

        def kept(state: Any, key: Any, t: Any, names: Any = names) -> Any:
            return phase(state, names, key, t)[0]

        traced = jax.make_jaxpr(kept)(state, KEY, jnp.int32(0)).jaxpr
        same = [x is y for x, y in zip(traced.invars, traced.outvars, strict=False)]
        named = {loss.split(".")[0] for loss in names}
        for player in recipe.nets:
            own = [k for k, who in zip(same, owners, strict=True) if who == player]
            if player in named:
                told(not all(own), f"phase {names} leaves its player {player} as it was")
            else:
                told(all(own), f"phase {names} changes player {player}")


def changes(name: str) -> None:
    base = names_of(name)[0]
    apart = float(np.abs(seen(name).samples[0] - seen(base).samples[0]).max())
    told(apart > 1e-5, f"with it and without it {base} gives the same samples")


#: In the order in which they are looked at.
PROPERTIES = (
    Property("hyperparameters", "all have annotations and defaults", hyperparameters, ANY),
    Property(
        "builds", "its recipe holds together, and refuses nothing of the small task", builds, ANY
    ),
    Property("lanes", "compiles, and trains many lanes at once under vmap", lanes, ANY),
    Property("shapes", "a step keeps the state's shapes and types; infos are scalars", shapes, ANY),
    Property("samples", "generate gives a batch shaped as the data, all finite", samples, ANY),
    Property("keys", "the same key gives the same samples, another others", keys, ANY),
    Property("reports", "every loss, gradient and update is logged, finite", reports, GAMES),
    Property("floats", "every float matters, and varies in one compilation", floats, GAMES),
    Property("alone", "a lane equals its lone run in float64", alone, ANY),
    Property("moves", "every player moves", moves, GAMES),
    Property("turns", "a phase moves its own players alone", turns, GAMES),
    Property("changes", "it changes what its base does", changes, MODIFIERS),
    Property("docstring", "gives Formula, Args (static or traced) and Reference", docstring, ANY),
)
