"""What stacks of registered methods must do: every part has a part, order means nothing."""

import hashlib
import itertools
import re
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.interpreters.partial_eval import dce_jaxpr_consts
from methods import BASES, KEY, MODIFIERS, made, slots_of

from ganbench.assembly import build
from ganbench.game import ProtocolError


@cache
def trajectory(stack):
    """The samples after two steps, operation by operation: those are compiled once for all stacks,
    where a program of its own would take each stack seconds.
    """
    method = made(stack)
    with jax.disable_jit():
        state = method.init(KEY)
        for t in range(2):
            state, _ = method.step(state, jax.random.fold_in(KEY, t), jnp.int32(t))
        return method.generate(state, KEY)


def stacks():
    """Every modifier on every base, and every pair on one."""
    first, *others = BASES
    pairs = [(first, *pair) for pair in itertools.combinations(MODIFIERS, 2)]
    return [(base, modifier) for base in others for modifier in MODIFIERS] + pairs


def without_each(stack):
    """(modifier, the stack without it) for every modifier."""
    base, *modifiers = stack
    for modifier in modifiers:
        yield modifier, "+".join([base, *(m for m in modifiers if m != modifier)])


def traced(stack):
    """The computation of the samples after two steps, and of the last state and its infos."""
    method = made(stack)

    def whole(key):
        def body(state, t):
            return method.step(state, jax.random.fold_in(key, t), t)

        state, info = jax.lax.scan(body, method.init(key), jnp.arange(2))
        return method.generate(state, key), state, info

    return jax.make_jaxpr(whole)(KEY).jaxpr


def written(jaxpr):
    return re.sub("0x[0-9a-f]+", "", str(jaxpr))


@cache
def whole_of(stack):
    """All that `traced` traces, as a hash."""
    return hashlib.sha256(written(traced(stack)).encode()).hexdigest()


@cache
def of_samples(stack):
    """What the samples are computed by, without what has no part in them: a text, as a hash."""
    jaxpr = traced(stack)
    kept, *_ = dce_jaxpr_consts(jaxpr, [True] + [False] * (len(jaxpr.outvars) - 1))
    return hashlib.sha256(written(kept).encode()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("stack", stacks(), ids="+".join)
def test_a_modifier_has_a_part_in_the_samples_or_build_says_why_not(stack):
    """Seen in the trace: what is overwritten or never used is not there."""
    whole = "+".join(stack)
    try:
        made(whole, build=build)
    except ProtocolError as error:
        named = [name for name in stack if name in re.split(r"[ ,:']", str(error))]
        assert len(named) >= 2, error
        return
    for modifier, rest in without_each(stack):
        assert of_samples(whole) != of_samples(rest), modifier


@cache
def by_slots():
    """The modifiers by the set of slots that they touch."""
    made = {}
    for modifier in MODIFIERS:
        made.setdefault(slots_of(modifier), []).append(modifier)
    return made


def candidates():
    """Stacks by kind: two sets of slots, or a modifier and a base that is not its own."""
    first, *others = BASES
    sets = list(by_slots().values())
    pairs = [itertools.combinations(own, 2) for own in sets if len(own) > 1]
    pairs += [itertools.product(a, b) for a, b in itertools.combinations(sets, 2)]
    made = [[(first, *pair) for pair in own] for own in pairs]
    for i, modifier in enumerate(MODIFIERS):
        start = i % len(others)  # another base for each
        made.append([(base, modifier) for base in others[start:] + others[:start]])
    return made


@pytest.mark.slow
@pytest.mark.parametrize("stacks", candidates(), ids=lambda own: "+".join(own[0]))
def test_removing_a_modifier_changes_the_trajectory(stacks):
    """In numbers, where the trace cannot see a term that is nothing: the first that builds."""
    for stack in stacks:
        whole = "+".join(stack)
        try:
            made(whole, build=build)
        except ProtocolError:
            continue  # what it says is seen above
        for modifier, rest in without_each(stack):
            moved = np.abs(trajectory(whole) - trajectory(rest)).max()
            assert moved > 1e-5, modifier  # rounding alone stays below
        return


def pairs_of_slots():
    pairs = itertools.combinations(by_slots().items(), 2)
    return [(a[0], b[0]) for (slots, a), (others, b) in pairs if not set(slots) & set(others)]


def test_there_are_modifiers_in_different_slots():
    assert len(pairs_of_slots()) >= 3


#: A step of tracing each: every fourth, the others are slow.
COMMUTING = [
    pytest.param(*pair, marks=pytest.mark.slow if i % 4 else ())
    for i, pair in enumerate(pairs_of_slots())
]


@pytest.mark.parametrize(("a", "b"), COMMUTING)
def test_modifiers_in_different_slots_commute(a, b):
    """Both orders are one computation, operation by operation: nothing has to be run."""
    stacks = (f"nonsaturating+{rest}" for rest in (f"{a}+{b}", f"{b}+{a}", a))
    one, other, less = (whole_of(stack) for stack in stacks)
    assert one == other
    assert one != less
