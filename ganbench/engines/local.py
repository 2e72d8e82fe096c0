"""The groups in their order, on the devices of this process."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial

import jax

from ganbench.ahead import Ahead
from ganbench.engines.engine import Engine, Job, Trained, label
from ganbench.harness import Advance, Stopped
from ganbench.progress import Progress
from ganbench.tables import Scale
from ganbench.training import compiled, scale_of, train


def local(devices: Sequence[jax.Device]) -> Engine:
    """Trains on `devices`.

    A group is compiled in a thread of its own while the one before it is trained: settings of JAX
    that hold inside a `with` alone do not reach it, and an end waits for the compilation in flight.
    When the time is up no further group starts; that in flight is stopped at its next evaluation.
    """

    @contextmanager
    def engine(job: Job, progress: Progress) -> Iterator[Trained]:
        def advance(lane_steps: int) -> None:
            progress.advance(lane_steps)
            if job.over():
                raise Stopped("time limit")

        @cache
        def scaled(task: str, protocol_hash: str) -> Scale:
            return scale_of(job.suite, task, protocol_hash, devices)

        # most of compiling keeps one core busy, training all of them: apart, the others would wait
        ready = (partial(compiled, job.suite, one, devices, progress.note) for one in job.groups)
        with Ahead(ready) as trainers:
            yield _trained(job, progress, trainers, scaled, advance)

    return engine


def _trained(
    job: Job,
    progress: Progress,
    trainers: Ahead,
    scaled: Callable[[str, str], Scale],
    advance: Advance,
) -> Trained:
    for done, group in enumerate(job.groups):
        if job.over():
            progress.stopped(len(job.groups) - done)
            return
        progress.group(label(group))
        own, kept = job.protocols[group.task], job.checkpoints(group)
        scale = partial(scaled, group.task, own)
        yield group, train(job.suite, group, trainers.take, scale, own, advance, kept)
