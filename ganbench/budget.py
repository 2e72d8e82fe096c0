"""What a task gives every method: nets, optimizers, steps and sample sizes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ganbench.game import Net, Optimizer
from ganbench.parts import DIRECTIONS
from ganbench.setting import Setting
from ganbench.shared import Shared
from ganbench.tasks.base import Task
from ganbench.zoo.catalogue import Sizes, zoo


class Budget(NamedTuple):
    """What a task gives every method: nets, optimizer, steps and sample sizes."""

    nets: str
    width: int
    depth: int
    latent: int
    batch: int
    optimizer: str
    b1: float  # of Adam; 0 where the optimizer has none
    b2: float
    steps: int  # passes of a method's schedule: one generator update (`mdgan`: two), any of critics
    evaluations: int  # evenly spaced; the last one after the last step
    curve_samples: int
    final_samples: int
    block: int  # lanes of one compiled unit
    sample_batch: int | None = None  # samples made at once to be scored; as in training if None
    normalized: bool | None = None  # batch normalization; as is usual in the family if None
    dropout: float | None = None  # of discriminators
    d_width: int | None = None  # of all nets but the generator; as the generator's if None
    d_depth: int | None = None
    d_normalized: bool | None = None
    d_learning_rate: float | None = None
    d_optimizer: str | None = None
    d_steps: int | None = None  # moves of `d` in a pass of the schedule; 1 if None
    g_steps: int | None = None  # moves of `g`, 1 if None

    def drawing(self) -> "Budget":
        """This budget with the batch that samples are made in."""
        return self._replace(batch=self.sample_batch or self.batch)


def nets_of(shape: tuple[int, ...], budget: Any, dropout: Any = None) -> dict[str, Net]:
    """The net of each role; those that read samples have sizes of their own if the budget says so.

    Args:
        budget: anything with a `Budget`'s fields.
        dropout: may be a tracer.

    Raises: BadInput as `zoo` does.
    """
    sizes = Sizes(shape, budget.latent, budget.width, budget.depth, budget.normalized)
    d_normalized = budget.normalized if budget.d_normalized is None else budget.d_normalized
    reading = sizes._replace(
        width=budget.d_width or sizes.width,
        depth=budget.d_depth or sizes.depth,
        normalized=d_normalized,
        dropout=dropout,
    )
    return {**zoo(budget.nets, reading), "generator": zoo(budget.nets, sizes)["generator"]}


def setting_of(task: Task, values: Mapping[str, Any], budget: Budget, shared: Shared) -> Setting:
    """What every method of a task is built in.

    Args:
        values: a lane's, among them "learning_rate", and "d_learning_rate" and "dropout" where they
            are not the budget's; may be tracers.
    """
    directions = {n: make(budget.b1, budget.b2) for n, make in DIRECTIONS.items()}
    rate = values["learning_rate"]
    d_rate = values.get("d_learning_rate", budget.d_learning_rate)
    return Setting(
        task=task,
        train=shared.train,
        held_out=shared.held_out,
        batch=budget.batch,
        latent=budget.latent,
        steps=budget.steps,
        zoo=nets_of(task.shape, budget, values.get("dropout", budget.dropout)),
        optimizer=Optimizer(directions[budget.optimizer], rate),
        d_optimizer=Optimizer(
            directions[budget.d_optimizer or budget.optimizer], rate if d_rate is None else d_rate
        ),
        d_steps=budget.d_steps or 1,
        g_steps=budget.g_steps or 1,
    )
