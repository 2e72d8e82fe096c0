"""What every registered method must do; the methods come from the registry alone."""

import inspect
import re
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from annotated_types import Ge, Gt
from commands import typed
from methods import setting

from ganbench import registry
from ganbench.conformance import check
from ganbench.conformance.properties import PROPERTIES
from ganbench.game import Method
from ganbench.parts import add_to_loss
from ganbench.registry import METHODS, Entry
from ganbench.setting import plain

TRACED = ("hyperparameters", "builds", "turns", "docstring")  # what nothing is compiled for


def cases():
    """Every property of every method. Programs are compiled of one method of each file, and a lone
    run, which is another program, of one of each kind; of the others in the slow tests.
    """
    methods = [*reversed(METHODS)]
    of_file = {METHODS[name].factory.__module__: name for name in methods}.values()
    of_kind = {METHODS[name].kind: name for name in methods}.values()
    for one in PROPERTIES:
        for name, entry in METHODS.items():
            if entry.kind in one.kinds:
                chosen = of_kind if one.name == "alone" else of_file
                slow = one.name not in TRACED and name not in chosen
                marks = [pytest.mark.slow] if slow else []
                yield pytest.param(one, name, id=f"{one.name}-{name}", marks=marks)


@pytest.mark.parametrize("one, name", [*cases()])
def test_a_method_has_every_property(one, name):
    one.check(name)


@pytest.mark.parametrize("name", METHODS)
def test_a_reference_can_be_looked_up(name):
    text = inspect.getdoc(METHODS[name].factory)
    assert re.search(r"arXiv\s+\d{4}\.\d{4,5}|OpenReview|IEEE", text)


def test_the_discriminator_moves_first():
    assert plain(setting()).schedule == (("d",), ("g",))


def term(players, data, key, t):
    return jnp.sum(players("d", data.real(key), key=key).score ** 2)


def verdicts(monkeypatch, factory, kind="modifier"):
    """{property: reason} of what does not hold of a method made for the occasion."""
    monkeypatch.setitem(METHODS, "trial", Entry(factory, kind))
    return {v.property.name: (v.holds, v.reason) for v in check("trial") if v.holds is not True}


def test_a_sound_modifier_lacks_its_docstring_alone(monkeypatch):
    def sound(weight: float = 0.1):
        return add_to_loss("d", lambda *given: weight * term(*given))

    assert set(verdicts(monkeypatch, sound)) == {"docstring"}


def test_a_step_that_is_not_vmappable_says_so_and_is_looked_at_no_further(monkeypatch):
    def branching(weight: float = 0.1):
        def judged(*given):
            return term(*given) if float(term(*given)) > 0 else 0.0

        return add_to_loss("d", judged)

    found = verdicts(monkeypatch, branching)
    assert found["builds"][0] is False and "Concret" in found["builds"][1]
    assert found["lanes"] == (None, "not looked at") and found["floats"][0] is None


def test_a_wrong_shape_is_named(monkeypatch):
    def short(setting: registry.Setting):
        made = METHODS["noise"].factory(setting)
        return Method(made.init, made.step, lambda state, key: made.generate(state, key)[:3])

    found = verdicts(monkeypatch, short, "method")
    assert found["samples"] == (False, "generate gives (3, 2) samples, must be (8, 2)")


def test_a_state_that_changes_its_type_is_named(monkeypatch):
    def growing(setting: registry.Setting):
        def step(state, key, t):
            return jnp.concatenate([state, state]), {}

        return Method(lambda key: jnp.zeros(1), step, METHODS["noise"].factory(setting).generate)

    found = verdicts(monkeypatch, growing, "method")
    assert found["lanes"][0] is False and "scan" in found["lanes"][1]


def test_a_float_that_changes_nothing_is_named(monkeypatch):
    def idle(weight: float = 0.1):
        return add_to_loss("d", term)

    assert verdicts(monkeypatch, idle)["floats"] == (False, "changes nothing: trial.weight")


def test_a_modifier_that_does_nothing_is_named(monkeypatch):
    found = verdicts(monkeypatch, lambda: lambda recipe: recipe)
    assert found["changes"] == (
        False,
        "with it and without it nonsaturating gives the same samples",
    )


def test_loss_that_is_no_scalar_is_named(monkeypatch):
    def wide():
        return add_to_loss("d", lambda players, data, key, t: jnp.zeros(3))

    found = verdicts(monkeypatch, wide)
    assert found["builds"][0] is False and "d" in found["builds"][1]


def scaled(samples=lambda x, key: x, info=lambda info: info, moved=lambda params: params):
    """A method that does nothing to a point but what is asked, see `FAULTS`."""

    def method(setting: registry.Setting):
        made = METHODS["noise"].factory(setting)
        return made._replace(
            generate=lambda state, key: samples(made.generate(state, key), key),
            step=lambda state, key, t: (moved(made.step(state, key, t)[0]), info({})),
        )

    return method


def drawn_while_traced(weight: float = 0.1):
    luck = float(np.random.default_rng().random())
    return add_to_loss("d", lambda *given: luck * weight * term(*given))


def called_traced(k: int = 2, weight: float = 0.1):
    """Formula: none. Args: k: traced. weight: static. Reference: none."""
    return add_to_loss("d", lambda *given: k * weight * term(*given))


def endless(weight: float = 0.1):
    return add_to_loss("d", lambda *given: term(*given) / weight**400)


def with_rule(change):
    """A modifier that changes what a phase leaves behind."""

    def modifier():
        def stabilizer(recipe):
            def phase(objective, opts, nets):
                inner = recipe.rule.phase(objective, opts, nets)
                return lambda state, names, *more: change(inner(state, names, *more), state, names)

            return recipe._replace(rule=recipe.rule._replace(phase=phase))

        return stabilizer

    return modifier


def mute(after, before, names):
    return after[0], {n: x for n, x in after[1].items() if n != "loss/g"}


def still(after, before, names):
    """g's moves are not taken."""
    state, info = after
    return state._replace(params={**state.params, "g": before.params["g"]}), info


def frozen(after, before, names):
    """Neither g's parameters nor what its optimizer remembers change."""
    state, info = still(after, before, names)
    return state._replace(opt={**state.opt, "g": before.opt["g"]}), info


def meddling(after, before, names):
    """Every phase moves g a little."""
    state, info = after
    moved = jax.tree.map(lambda x: 0.999 * x, state.params["g"])
    return state._replace(params={**state.params, "g": moved}), info


def no_norm(after, before, names):
    return after[0], {n: 0 * x if n == "grad_norm/d" else x for n, x in after[1].items()}


FAULTS = {
    "the same key gives other samples": (
        "keys",
        scaled(lambda x, key: jax.pure_callback(luck, x, x, vmap_method="sequential")),
        "method",
    ),
    "another key gives the same samples": ("keys", scaled(lambda x, key: 0 * x), "method"),
    "samples are not finite": ("samples", scaled(lambda x, key: x / 0), "method"),
    "is no scalar": ("shapes", scaled(info=lambda _: {"x": jnp.zeros(2)}), "method"),
    "has no 'loss/g'": ("reports", with_rule(mute), "modifier"),
    "grad_norm/d is zero": ("reports", with_rule(no_norm), "modifier"),
    "player g never moves": ("moves", with_rule(still), "modifier"),
    "leaves its player g as it was": ("turns", with_rule(frozen), "modifier"),
    "changes player g": ("turns", with_rule(meddling), "modifier"),
    "from the same one alone": ("alone", drawn_while_traced, "modifier"),
    "k is static": ("docstring", called_traced, "modifier"),
    "not finite at 0.02": ("floats", endless, "modifier"),
}


def luck(x):
    return np.random.default_rng().random(x.shape).astype(x.dtype)


@pytest.mark.slow
@pytest.mark.parametrize("reason", FAULTS)
def test_every_property_finds_its_fault(monkeypatch, reason):
    name, factory, kind = FAULTS[reason]
    holds, told = verdicts(monkeypatch, factory, kind)[name]
    assert holds is False and reason in told


@pytest.mark.slow
def test_values_that_are_not_allowed_are_not_tried(monkeypatch):
    """A count of at least three, a float above one."""

    def sound(k: Annotated[int, Ge(3)] = 5, weight: Annotated[float, Gt(1)] = 2.0):
        return add_to_loss("d", lambda *given: k * jnp.sqrt(weight - 1) * term(*given))

    assert set(verdicts(monkeypatch, sound)) == {"docstring"}


def test_the_command_prints_a_verdict_a_property(monkeypatch, capsys):
    assert typed(monkeypatch, "check", "r1") == 0
    out = capsys.readouterr().out
    assert len([line for line in out.splitlines() if line.startswith("holds")]) == len(PROPERTIES)
    assert typed(monkeypatch, "check", "nope") == 2
    assert "unknown name 'nope'" in capsys.readouterr().err
