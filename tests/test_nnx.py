"""Modules of users as nets, and the page that shows how."""

import re
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from methods import setting
from small import normal
from test_deep_nets import made, shapes

import ganbench
from ganbench.assembly import build
from ganbench.errors import BadInput
from ganbench.game import Critic
from ganbench.registry import recipe
from ganbench.setting import data
from ganbench.suite import SUITES
from ganbench.zoo.catalogue import NETS
from ganbench.zoo.nnx import from_nnx

KEY, BATCH = jax.random.key(0), 4


class Users(nnx.Module):
    """A critic as a user may write it: linear, batch statistics, dropout, linear."""

    def __init__(self, x, rngs):
        self.enter = nnx.Linear(x.shape[-1], 16, rngs=rngs)
        self.norm = nnx.BatchNorm(16, use_running_average=False, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.leave = nnx.Linear(16, 1, rngs=rngs)

    def __call__(self, x):
        h = self.drop(nnx.relu(self.norm(self.enter(x))))
        return Critic(self.leave(h)[:, 0], h)


def test_an_nnx_module_is_a_net():
    net, x = from_nnx(Users, alone=False), normal(1, BATCH, 3)
    params, aux, out = made(net, x)
    assert shapes(params)["enter/kernel"] == (3, 16)
    assert shapes(aux) == {"norm/mean": (16,), "norm/var": (16,)}
    assert out.score.shape == (BATCH,) and not net.alone
    apply = jax.jit(lambda key: net.apply(params, aux, x, key=key).score)
    one, again, two = (apply(jax.random.key(i)) for i in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != two).any()
    with pytest.raises(ValueError, match="apply needs a key"):
        net.apply(params, aux, x)


def test_an_nnx_module_gives_what_it_gives_by_itself():
    module, x = nnx.Linear(3, 2, rngs=nnx.Rngs(0)), normal(1, BATCH, 3)
    net = from_nnx(lambda x, rngs: nnx.Linear(x.shape[-1], 2, rngs=rngs))
    params = nnx.to_pure_dict(nnx.state(module, nnx.Param))
    np.testing.assert_array_equal(net.apply(params, {}, x), module(x))
    lanes = jax.vmap(lambda key: net.init(key, x)[0]["kernel"])(jax.random.split(KEY, 3))
    assert len(np.unique(np.asarray(lanes)[:, 0, 0])) == 3


def test_a_method_trains_nnx_nets():
    made = setting()

    def generator(z, rngs):
        return nnx.Sequential(
            nnx.Linear(z.shape[-1], 8, rngs=rngs), nnx.relu, nnx.Linear(8, 2, rngs=rngs)
        )

    nets = {"generator": from_nnx(generator), "discriminator": from_nnx(Users, alone=False)}
    own = made._replace(zoo={**made.zoo, **nets})
    method = build(recipe("nonsaturating", {}, own), data(own))
    state, step = method.init(KEY), jax.jit(method.step)
    first = state.params
    latents, real = normal(2, 512, 2), np.asarray(made.task.held_out)

    def off(params):
        """How far the samples' mean and spread are from the data's."""
        fake = np.asarray(own.zoo["generator"].apply(params["g"], {}, latents))
        return np.abs(fake.mean(0) - real.mean(0)).sum() + np.abs(fake.std(0) - real.std(0)).sum()

    for t in range(400):
        state, info = step(state, jax.random.fold_in(KEY, t), jnp.int32(t))
        assert np.isfinite(info["loss/d"])
    moved = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), first, state.params)
    assert min(jax.tree.leaves(moved)) > 1e-3
    assert off(state.params) < 0.7 * off(first)


class Scaled(nnx.Module):
    """With an array that is no variable."""

    def __init__(self, x, rngs):
        self.scale = 2 * jnp.ones(x.shape[-1])
        self.leave = nnx.Linear(x.shape[-1], 1, rngs=rngs)

    def __call__(self, x):
        return self.leave(self.scale * x)


def test_an_nnx_module_may_have_arrays_of_its_own():
    net, x = from_nnx(Scaled), normal(1, BATCH, 3)
    params, aux, out = made(net, x)
    kernel, bias = (params["leave"][name] for name in ("kernel", "bias"))
    np.testing.assert_allclose(out, 2 * x @ kernel + bias, rtol=1e-5)


@pytest.mark.parametrize(
    ("norm", "alone", "told"),
    [
        (nnx.BatchNorm, True, "norm: nnx.BatchNorm joins samples: give alone=False"),
        (
            partial(nnx.BatchNorm, use_running_average=True),
            False,
            "norm: nnx.BatchNorm must have use_running_average=False",
        ),
        (
            lambda n, rngs: nnx.SpectralNorm(nnx.Linear(n, n, rngs=rngs), rngs=rngs),
            True,
            "norm: nnx.SpectralNorm: use the modifier spectral-norm",
        ),
    ],
)
def test_an_nnx_module_that_would_be_another_one_here_is_refused(norm, alone, told):
    class Own(nnx.Module):
        def __init__(self, x, rngs):
            self.norm = norm(x.shape[-1], rngs=rngs)

        def __call__(self, x):
            return self.norm(x)

    with pytest.raises(BadInput, match=f"from_nnx: Own.{told}"):
        from_nnx(Own, alone).init(KEY, normal(1, BATCH, 3))


def test_the_page_of_nets_shows_what_works(tmp_path, monkeypatch):
    page = (Path(__file__).parents[1] / "docs/nets.md").read_text()
    monkeypatch.setitem(NETS, "mine", NETS["mlp"])  # taken out again at the end
    exec(re.search(r"```python\n(.+?)```", page, re.S)[1], {})
    text = (SUITES / "smoke.toml").read_text().replace('nets = "mlp"', 'nets = "mine"')
    (tmp_path / "made.toml").write_text(text)
    results = ganbench.run(
        tmp_path / "made.toml",
        tmp_path / "out",
        seeds=1,
        steps=20,
        tasks=["ring"],
        methods=["nonsaturating", "r1"],
    )
    trained = results.runs[results.runs["method"].isin(["nonsaturating", "r1"])]
    assert len(trained) == 2 and not trained["status"].eq("failed").any()
    states = np.load(next((tmp_path / "out/states").glob("ring_r1_*.npz")))
    assert any(name.endswith("d/score/kernel") for name in states.files)
    named = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert named == set(NETS) - {"mine"}
