"""Linear classifier probes: what of a sample's mode can be read off each layer of `d`."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax.extend.core import get_opaque_trace_state
from jax.random import fold_in

from ganbench.diagnostics.inside import Diagnostic, Inside, Measure, on_games
from ganbench.game import Critic, Data, TrainState
from ganbench.seeds import fold_name

SAMPLES = 1024  # to fit on, and as many to test on: an accuracy's standard error is at most 0.016
RIDGE = 1 / SAMPLES  # that of scikit-learn's LogisticRegression by default, C = 1
STEPS = 200

Layers = dict[str, jax.Array]  # (judgements, ...) each, by name


def layers(judge: Callable[[jax.Array], Critic], x: jax.Array) -> Layers:
    """What `judge` makes of samples `x` on the way: "input", each layer by its path, "features".

    A layer is a Linen module in which no other is called, affine map or activation, whatever wraps
    the net; of one that is called twice it is the last call. Left out are those inside a JAX
    transformation of the net's own (such as `nn.remat`), what does not give one row a judgement,
    and the layer that is the features. Of a judgement of m samples the input is the first.
    """
    here, made, entered = _trace(), {}, []

    def keep(call: Callable, arguments: tuple, keywords: dict, context: Any) -> Any:
        if context.method_name != "__call__":
            return call(*arguments, **keywords)
        entered.append(context.module)
        mine = len(entered)
        out = call(*arguments, **keywords)
        if len(entered) == mine and isinstance(out, jax.Array) and _trace() == here:
            made[".".join(context.module.path) or "net"] = out
        return out

    with nn.intercept_methods(keep):
        critic = judge(x)
    rows = len(critic.score)
    samples = len(x) // rows
    seen = {name: a for name, a in made.items() if a is not critic.features}
    seen = {name: a for name, a in seen.items() if a.shape[:1] == (rows,)}
    return {"input": x[: rows * samples : samples], **seen, "features": critic.features}


def _trace() -> Any:
    return get_opaque_trace_state(convention="flax")


def fitted(x: jax.Array, y: jax.Array, ridge: float = RIDGE, steps: int = STEPS) -> jax.Array:
    """Weights of multinomial logistic regressions of answers on standardised activations.

    Formula: for each factor the mean of -log softmax(x W + b)_y, plus ridge / 2 |W|^2, minimised by
    Nesterov's accelerated gradient, w <- w' - B^-1 slope(w'), w' = w + k / (k + 3) (w - w_before),
    with Boehning's bound B = X' X / (2 n) + ridge of the Hessian, which needs no step size.

    Args:
        x: (n, width). y: (n, factors, answers), one-hot.

    Returns: (width + 1, factors, answers), b last.

    Reference: Boehning, "Multinomial logistic regression algorithm", Annals of the Institute of
    Statistical Mathematics 1992; Nesterov, "A method for solving a convex programming problem with
    rate of convergence O(1/k^2)", Soviet Mathematics Doklady 1983.
    """
    n, width = x.shape
    # samples last: along a few answers XLA's code for CPUs takes three times as long
    x, wanted = _with_one(x).T, jnp.moveaxis(y, 0, -1)
    penalty = jnp.full((width + 1,), ridge, x.dtype).at[-1].set(0)
    inverse = inverted(x @ x.T / (2 * n) + jnp.diag(penalty))

    def slope(w: jax.Array) -> jax.Array:
        p = jax.nn.softmax((w @ x).reshape(wanted.shape), axis=1)
        return (p - wanted).reshape(-1, n) @ x.T / n + penalty * w

    def step(carry: tuple[jax.Array, jax.Array], k: jax.Array):
        w, before = carry
        ahead = w + k / (k + 3) * (w - before)
        return (ahead - slope(ahead) @ inverse, w), None

    start = jnp.zeros((y[0].size, width + 1), x.dtype)
    (w, _), _ = jax.lax.scan(step, (start, start), jnp.arange(steps, dtype=x.dtype))
    return w.T.reshape(-1, *y.shape[1:])


def inverted(a: jax.Array) -> jax.Array:
    """The inverse of a symmetric positive definite matrix, by Gauss and Jordan's elimination.

    LAPACK's own threads wait for one another where every core trains already: a matrix of 33 then
    takes it 18 ms instead of less than one.
    """
    index = jnp.arange(len(a))

    def eliminate(k: jax.Array, a: jax.Array) -> jax.Array:
        pivot, own = a[k, k], index == k
        row, column = a[k] / pivot, jnp.where(own, 0, a[:, k])
        a = jnp.where(own[:, None], row, a - column[:, None] * row)
        return jnp.where(own, jnp.where(own, 1, -column)[:, None] / pivot, a)

    return jax.lax.fori_loop(0, len(a), eliminate, a)


def probed(
    x: jax.Array, y: jax.Array, new: jax.Array, y_new: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """(accuracy, loss in nats) on `new` of a probe fitted to `x`, means over the factors.

    Args:
        x, new: activations, (n, width). y, y_new: their answers, (n, factors, answers), one-hot.

    The accuracy is nan where the loss is no finite number.
    """
    mean, deviation = x.mean(0), x.std(0)
    scale = jnp.where(deviation > 0, deviation, 1)
    with jax.default_matmul_precision("highest"):  # by default GPUs keep three digits
        w = fitted((x - mean) / scale, y)
        logits = jnp.tensordot(_with_one((new - mean) / scale), w, 1)
    loss = optax.softmax_cross_entropy(logits, y_new).mean()
    right = (logits.argmax(-1) == y_new.argmax(-1)).mean(dtype=loss.dtype)
    return jnp.where(jnp.isfinite(loss), right, jnp.nan), loss


def _with_one(x: jax.Array) -> jax.Array:
    return jnp.concatenate([x, jnp.ones_like(x[:, :1])], axis=1)


def _measure(inside: Inside) -> Measure:
    claimed = {resource for resource, _ in inside.recipe.claims}
    if "d" not in inside.recipe.nets or "discriminator's input" in claimed:
        return lambda state, key, t: {}
    judge = inside.setting.task.judge

    def seen(state: TrainState, source: Data, key: jax.Array) -> tuple[Layers, jax.Array]:
        """Each layer's activations, (1024, width), and the judge's answers, (1024, factors,
        answers), one-hot.
        """

        def batch(i: jax.Array) -> tuple[Layers, jax.Array]:
            own, players = fold_in(key, i), inside.players(state)
            made = layers(lambda x: players("d", x, key=fold_name(own, "d")), source.real(own))
            x = made["input"]
            flat = {name: a.reshape(len(x), -1).astype(x.dtype) for name, a in made.items()}
            log_p = judge.judge(judge.weights, x).log_p
            y = jax.nn.one_hot(log_p.argmax(-1), log_p.shape[-1], dtype=x.dtype)
            return {"chance": jnp.zeros((len(x), 1), x.dtype), **flat}, y

        rows = len(jax.eval_shape(batch, jnp.zeros((), jnp.int32))[1])
        batches = jax.lax.map(batch, jnp.arange(-(-SAMPLES // rows)))
        return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:])[:SAMPLES], batches)

    def measure(state: TrainState, key: jax.Array, t: jax.Array) -> dict[str, jax.Array]:
        train, y = seen(state, inside.seen, fold_name(key, "train"))
        held_out, y_new = seen(state, inside.unseen, fold_name(key, "held-out"))
        made: dict[str, jax.Array] = {}
        for width in sorted({a.shape[1] for a in train.values()}):  # compiled once for each
            names = [name for name, a in train.items() if a.shape[1] == width]
            x, new = (jnp.stack([own[name] for name in names]) for own in (train, held_out))
            accuracy, loss = jax.lax.map(lambda own: probed(own[0], y, own[1], y_new), (x, new))
            made |= {f"{name}/accuracy": accuracy[i] for i, name in enumerate(names)}
            made |= {f"{name}/loss": loss[i] for i, name in enumerate(names)}
        return made

    return on_games(inside, measure)


#: A multinomial logistic regression for each layer of the discriminator `d` that reads, off the
#: layer's activations on real data, which mode a sample is of: the judge's likeliest answer, of
#: each factor where it has several. Activations are standardised; the weights have a ridge of
#: 1 / 2048 |W|^2, as scikit-learn's LogisticRegression has by default on as many samples. Fitted to
#: 1,024 training samples by 200 steps of full-batch gradient (a training loss within 0.01 of the
#: least one wherever it was measured, but 0.06 for nearly parallel units), tested on 1,024 held-out
#: ones. D judges in batches of the training's size, with noise of its own where it has any.
#:
#: `layer/accuracy`: share of right answers, in [0, 1], the mean over the factors; `layer/loss`: the
#: mean of -log p(answer) in nats, at least 0. `input` is the sample itself, `features` what a game
#: reads of D, `chance` a layer that knows nothing: it answers the most frequent mode, 1/K where all
#: K are equally frequent. The others have the path of their module; the last, of width 1, is the
#: score. A net that is no Linen module has `input`, `features` and `chance` alone.
#:
#: A judgement of a pack (`pacgan`) is probed for the pack's first sample, with as many packs.
#: Left out where D judges pairs of samples and codes, and where there is no `d`; of two
#: discriminators `d` is probed. Several pairs have the means over the pairs.
#:
#: Blind to what is there but not linearly, and to whether D makes use of it. Modes of the plane
#: about which Gaussians lie are linear in the input already: there a layer can only lose them.
#:
#: Reference: Alain, Bengio, "Understanding intermediate layers using linear classifier probes",
#: ICLR workshop 2017, arXiv 1610.01644.
probes = Diagnostic(_measure, "what of a sample's mode can be read linearly off each layer of d")
