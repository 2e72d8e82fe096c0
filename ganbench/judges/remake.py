"""`ganbench judge train`: a judge's weights made anew, and held against those in use."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from ganbench.errors import BadInput, choices
from ganbench.judges.classifier import Lesson, agreement, provenance, train
from ganbench.judges.files import npz
from ganbench.judges.images import weights_path
from ganbench.judges.lessons import LESSONS
from ganbench.tasks.base import Judge

BUILD = Path("build/judges")


def remake(name: str, folder: Path | None, say: Callable[[str], None]) -> Path:
    """Trains judge `name`, writes `<name>.npz` and its provenance to `folder`, says how good it is.

    A judge in use stays: leaderboards compare only under one. The new one is written to `BUILD` if
    no folder is given; where there is none yet, it goes to where it is looked for.

    Raises:
        BadInput: no judge of that name, a folder that cannot be written to, or images that are not
            prepared.
    """
    if name not in LESSONS:
        raise BadInput(f"judge: unknown name {name!r}; known: {choices(LESSONS)}")
    lesson = LESSONS[name]
    used = _used(lesson)
    folder = folder or (BUILD if used else weights_path(name).parent)
    path = folder / f"{name}.npz"
    lesson.split()
    try:  # before the minutes that training takes
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f".{name}.tmp").touch()
        (folder / f".{name}.tmp").unlink()  # who stops the training leaves nothing behind
    except OSError as error:
        raise BadInput(f"--out: {path}: cannot be written: {error.strerror}") from None
    weights, accuracies = train(lesson, 0, lambda done, total: say(f"fit {done} of {total}"))
    made = provenance(lesson, weights, accuracies)
    content = npz(weights)
    (folder / f".{name}.tmp").write_bytes(content)
    (folder / f".{name}.tmp").replace(path)
    (folder / f"{name}.json").write_text(json.dumps(made, indent=1) + "\n")
    low, high = made["fold_accuracy_interval_95"]
    n, mean = len(made["fold_accuracies"]), made["fold_accuracy_mean"]
    say(f"accuracy over {n} folds {mean:.4f} [{low:.4f}, {high:.4f}], n = {n}")
    for kind, rate in made["rates"].items():
        say(f"{'accuracy, held-out' if kind == 'accuracy' else kind + ' accepted'}: {rate:.4f}")
    if used is None:
        used = _used(lesson)
        say(f"wrote {path}" + (f": the judge of {name} from now on" if used else ""))
        return path
    same = hashlib.sha256(content).hexdigest() == used.hash
    alike = agreement(lesson, weights, used.weights)
    say(f"agrees with the judge in use on {alike:.1%} of the held-out data")
    say(f"wrote {path}, {'equal to' if same else 'not'} the file in use to the bit")
    return path


def _used(lesson: Lesson) -> Judge | None:
    """The judge in use.

    Raises:
        BadInput: it is in this package and not whole.
    """
    try:
        return lesson.judge()
    except BadInput:
        if lesson.sha256:
            raise
        return None
