"""Curves for TensorBoard, written as groups are finished: one run there for each run here."""

import re
from pathlib import Path

import pandas as pd

from ganbench.canonical import digest
from ganbench.errors import BadInput
from ganbench.plan import RUN
from ganbench.progress import Progress

FOLDER = "tensorboard"


def event_files(folder: Path) -> Progress:
    """The `Progress` that writes each group's curves under `folder`/tensorboard.

    A run is called TASK/METHOD/SETTING-SEED-REPLICATE, SETTING being a digest of its
    hyperparameters; what is trained anew replaces what was there.

    Raises:
        BadInput: tensorboardX is not installed.
    """
    try:
        import tensorboardX  # noqa: F401
    except ImportError:
        raise BadInput(
            '--tensorboard: needs tensorboardX: pip install "ganbench[tensorboard]"'
        ) from None
    return Progress(curves=lambda curves: _write(folder / FOLDER, curves))


def _write(folder: Path, curves: pd.DataFrame) -> None:
    from tensorboardX import SummaryWriter

    for names, run in curves.groupby(RUN, sort=False):
        task, method, values, seed, replicate = map(str, names)
        where = folder / task / _plain(method) / f"{digest(values)[:8]}-{seed}-{replicate}"
        for old in where.glob("events.*"):
            old.unlink()
        with SummaryWriter(str(where)) as writer:
            writer.add_text("hyperparameters", f"`{values}`")
            for metric, step, mean in zip(run["metric"], run["step"], run["mean"], strict=True):
                if pd.notna(mean):
                    writer.add_scalar(metric, mean, step)


def _plain(name: str) -> str:
    return re.sub(r"[^\w.+-]", "_", name)
