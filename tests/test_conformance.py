"""What every registered method must do; the methods come from the registry alone."""

import inspect
import re

import jax.numpy as jnp
import pytest
from commands import typed
from methods import setting

from ganbench import registry
from ganbench.conformance import check
from ganbench.conformance.properties import PROPERTIES
from ganbench.game import Method
from ganbench.parts import add_to_loss
from ganbench.registry import METHODS, Entry
from ganbench.setting import plain


def cases():
    """Every property of every method; a lone run is compiled anew: of one method of each kind."""
    first = {METHODS[name].kind: name for name in reversed(METHODS)}.values()
    for one in PROPERTIES:
        for name, entry in METHODS.items():
            if entry.kind in one.kinds:
                slow = one.name == "alone" and name not in first
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


def test_the_command_prints_a_verdict_a_property(monkeypatch, capsys):
    assert typed(monkeypatch, "check", "r1") == 0
    out = capsys.readouterr().out
    assert len([line for line in out.splitlines() if line.startswith("holds")]) == len(PROPERTIES)
    assert typed(monkeypatch, "check", "nope") == 2
    assert "unknown name 'nope'" in capsys.readouterr().err
