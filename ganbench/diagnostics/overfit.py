"""How much better the discriminator does on its training data than on data it has not seen."""

import jax
import jax.numpy as jnp
from jax.random import fold_in

from ganbench.diagnostics.inside import Diagnostic, Inside, Measure, on_games
from ganbench.game import TrainState, is_discriminator, player
from ganbench.parts import judge_generated, judge_real
from ganbench.seeds import fold_name

#: A share of 16 x 128 judgements has a standard error of at most 0.011, and a lazy penalty of up to
#: every 16th step is met as often as in training.
BATCHES = 16


def loss_gap(inside: Inside, state: TrainState, key: jax.Array, t: jax.Array) -> jax.Array:
    """The discriminators' losses on one batch of held-out data, less those on training data.

    Latents and noise are the same on both sides.
    """
    names = [name for name in inside.scheduled() if is_discriminator(player(name))]
    seen, unseen = (
        inside.objective(source)(state, key, t)[0] for source in (inside.seen, inside.unseen)
    )
    return jnp.sum(jnp.stack([unseen[name] - seen[name] for name in names]))


def boundary(train: jax.Array, generated: jax.Array, logit: bool) -> tuple[jax.Array, jax.Array]:
    """The score at which a sample is as likely real as generated, and real data's side of it, +-1.

    A logit has its boundary at 0 and real data above. A critic's value or an energy has none of its
    own: here it is midway between the mean scores of training data and of generated samples, and
    real data are where the training data's mean is (0 if the means are equal: no side is right).
    """
    if logit:
        return jnp.zeros((), train.dtype), jnp.ones((), train.dtype)
    return (train.mean() + generated.mean()) / 2, jnp.sign(train.mean() - generated.mean())


def _share(margin: jax.Array) -> jax.Array:
    """The share of positive margins; one of exactly 0 is a guess, half right."""
    return jnp.mean((jnp.sign(margin) + 1) / 2)


def accuracies(
    train: jax.Array, held_out: jax.Array, generated: jax.Array, logit: bool
) -> dict[str, jax.Array]:
    """What there is to tell of three samples' scores, (n,) each; see `overfit`."""
    middle, side = boundary(train, generated, logit)
    caught = _share(side * (middle - generated))
    on_train, on_held_out = (_share(side * (x - middle)) for x in (train, held_out))
    spread = jnp.concatenate([train, held_out]).std()
    apart = train.mean() - held_out.mean()
    return {
        "accuracy_train": (on_train + caught) / 2,
        "accuracy_held_out": (on_held_out + caught) / 2,
        "accuracy_gap": (on_train - on_held_out) / 2,
        "real_score_gap": jnp.where(spread > 0, apart / jnp.where(spread > 0, spread, 1), 0),
    }


def _measure(inside: Inside) -> Measure:
    if "d" not in inside.recipe.nets:
        return lambda state, key, t: {}
    claimed = {resource for resource, _ in inside.recipe.claims}

    def scores(state: TrainState, key: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        players = inside.players(state)
        train = judge_real(players, inside.seen, key).score
        held_out = judge_real(players, inside.unseen, key).score
        return train, held_out, judge_generated(players, inside.seen, key).score

    def measure(state: TrainState, key: jax.Array, t: jax.Array) -> dict[str, jax.Array]:
        own, batches = fold_name(key, "game"), jnp.arange(BATCHES)
        gaps = jax.lax.map(lambda i: loss_gap(inside, state, fold_in(own, i), t + i), batches)
        made = {"loss_gap": gaps.mean()}
        if "discriminator's input" in claimed:
            return made
        train, held_out, generated = (
            x.reshape(-1) for x in jax.lax.map(lambda i: scores(state, fold_in(own, i)), batches)
        )
        return made | accuracies(train, held_out, generated, "logit" not in claimed)

    return on_games(inside, measure)


#: loss_gap: L_D on held-out less L_D on training data, with the same latents and noise, summed over
#: the discriminators; above 0 where they do better on what they were trained on. In the loss's own
#: unit, so not to be compared between methods.
#:
#: accuracy_train, accuracy_held_out: (share of real data on their side + share of generated samples
#: on theirs) / 2, of `d`, 1 / 2 by guessing; generated samples are the same in both. accuracy_gap:
#: the first less the second, -1 / 2 to 1 / 2; 1 / 2 for a `d` that takes its training data alone
#: for real. The boundary of a logit is 0; that of a critic or an energy is midway between the mean
#: scores of training data and of generated samples, which flatters accuracy_train by a term of
#: order 1 / sqrt(n) where `d` knows nothing. real_score_gap: the mean score of training less that
#: of held-out data, in standard deviations of both together, -2 to 2. These four are left out where
#: the discriminator judges pairs of samples and codes; of two discriminators `d` is told (that of
#: `mdgan` on samples, where it was trained on reconstructions). A pack of samples has one score. A
#: game without a discriminator has none of all.
#:
#: Over 16 batches of the training's size. Blind to whether the generator has learnt the training
#: data by heart. Where data are drawn anew nothing can be; on ring and grid, whose held-out data
#: are drawn about the same centres, both sides are one batch and all gaps are exactly 0.
#:
#: Reference: Karras et al., "Training Generative Adversarial Networks with Limited Data", NeurIPS
#: 2020, arXiv 2006.06676, section 2 (as recalled): the discriminator's outputs for training and
#: validation data part while it overfits.
overfit = Diagnostic(_measure, "the discriminator's accuracy and loss on data it has not seen")
