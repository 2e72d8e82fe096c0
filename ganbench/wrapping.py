"""What stabilizers are made of that change one slot of a recipe and hand on the rest as it was."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import optax

from ganbench.game import (
    Critic,
    Data,
    Method,
    Net,
    Objective,
    Optimizer,
    Params,
    Players,
    Recipe,
    Stabilizer,
    compose,
    is_discriminator,
)


def claims(by: str, *resources: str) -> Stabilizer:
    """Marks `resources` as replaced by stabilizer `by`."""
    return lambda recipe: recipe.claim(by, *resources)


def needs(by: str, *resources: str) -> Stabilizer:
    """Keeps others from replacing `resources` as long as stabilizer `by` is in the stack."""
    return lambda recipe: recipe.need(by, *resources)


def wrap_losses(wrap: Callable[..., tuple[dict, dict]]) -> Stabilizer:
    """What the game returns replaced by `wrap(losses, info, players, data, key, t)`.

    `wrap` sees the phase's own batch: what it draws from `data` by `key` is what the losses saw.
    """

    def stabilizer(recipe: Recipe) -> Recipe:
        game = recipe.game
        assert game is not None, "a modifier follows its base"

        def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
            return wrap(*game.losses(players, data, key, t), players, data, key, t)

        return recipe._replace(game=game._replace(losses=losses))

    return stabilizer


def wrap_discriminators(wrap: Callable[[Net], Net], by: str) -> Stabilizer:
    """Every discriminator's net replaced by `wrap(net)`, which reaches every loss and penalty."""

    def stabilizer(recipe: Recipe) -> Recipe:
        recipe = recipe.need(by, "discriminator")
        nets = {n: wrap(net) if is_discriminator(n) else net for n, net in recipe.nets.items()}
        return recipe._replace(nets=nets)

    return stabilizer


def disturb_samples(
    disturb: Callable[[jax.Array, jax.Array, jax.Array], jax.Array],
    advance: Callable[[jax.Array, Mapping[str, jax.Array]], jax.Array],
    name: str,
    by: str,
) -> Stabilizer:
    """Every discriminator judges `disturb(x, key, kept)` in place of its sample x.

    Args:
        disturb: `key` is the judgement's own, `kept` a number that starts at 0.
        advance: (kept, info) -> kept, after each move of the discriminator.
        name: what `kept` is called in the discriminator's aux.
    """

    def wrap(net: Net) -> Net:
        def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
            params, aux = net.init(key, *inputs)
            return params, {"net": aux, name: jnp.zeros((), inputs[0].dtype)}

        def apply(
            params: Params, aux: Params, x: jax.Array, *others: jax.Array, key=None
        ) -> Critic:
            seen = disturb(x, key, aux[name])
            return net.apply(params, aux["net"], seen, *others, key=key)

        def refresh(params: Params, aux: Params, info) -> Params:
            kept = advance(aux[name], info).astype(aux[name].dtype)
            return {"net": net.refresh(params, aux["net"], info), name: kept}

        return Net(init, apply, refresh)

    return wrap_discriminators(wrap, by)


def each_optimizer(change: Callable[[str, Optimizer], Optimizer]) -> Stabilizer:
    """Every player's optimizer replaced by `change(player, optimizer)`."""

    def stabilizer(recipe: Recipe) -> Recipe:
        return recipe._replace(opts={name: change(name, opt) for name, opt in recipe.opts.items()})

    return stabilizer


def after_direction(then: optax.GradientTransformation) -> Stabilizer:
    """Every player's direction changed by `then` before it is gone along."""
    return each_optimizer(
        lambda name, opt: opt._replace(direction=optax.chain(opt.direction, then))
    )


def with_direction(direction: optax.GradientTransformation, by: str) -> Stabilizer:
    """Every player moved along `direction`, each at the rate it had; claimed by stabilizer `by`."""
    moved = each_optimizer(lambda name, opt: opt._replace(direction=direction))
    return compose(moved, claims(by, "optimizer's direction"))


def critic_steps(steps: int) -> Stabilizer:
    """`d` moved `steps` times wherever the schedule moved it alone once."""

    def stabilizer(recipe: Recipe) -> Recipe:
        repeated = [(p,) * steps if p == ("d",) else (p,) for p in recipe.schedule]
        return recipe._replace(schedule=sum(repeated, ()))

    return stabilizer


def wrap_objective(wrap: Callable[[Objective, Mapping[str, Optimizer]], Objective]) -> Stabilizer:
    """What the players see replaced by `wrap(objective, opts)`."""

    def stabilizer(recipe: Recipe) -> Recipe:
        inner = recipe.rule.objective

        def seen(objective: Objective, opts: Mapping, nets: Mapping) -> Objective:
            return wrap(inner(objective, opts, nets), opts)

        return recipe._replace(rule=recipe.rule._replace(objective=seen))

    return stabilizer


def wrap_method(wrap: Callable[[Method], Method]) -> Stabilizer:
    """The finished method replaced by `wrap(method)`."""

    def stabilizer(recipe: Recipe) -> Recipe:
        inner = recipe.outer
        return recipe._replace(outer=lambda method: wrap(inner(method)))

    return stabilizer
