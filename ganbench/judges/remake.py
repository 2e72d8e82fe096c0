"""`ganbench judge train`: a judge's weights made anew, and held against the committed ones."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from ganbench.errors import BadInput, choices
from ganbench.judges.classifier import JUDGES
from ganbench.judges.digits import npz


def remake(name: str, folder: Path, say: Callable[[str], None]) -> Path:
    """Trains judge `name`, writes `<name>.npz` and its provenance to `folder`, says how good it is.

    The committed weights stay: leaderboards compare only under one pinned judge.

    Raises:
        BadInput: no judge of that name, or a folder that cannot be written to.
    """
    if name not in JUDGES:
        raise BadInput(f"judge: unknown name {name!r}; known: {choices(JUDGES)}")
    judge = JUDGES[name]
    path = folder / f"{name}.npz"
    try:  # before the minutes that training takes
        folder.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise BadInput(f"--out: {path}: cannot be written: {error.strerror}") from None
    weights = judge.train(0, lambda done, total: say(f"fit {done} of {total}"))
    made = judge.provenance(weights, judge.cross_validate())
    content = npz(weights)
    path.write_bytes(content)
    (folder / "provenance.json").write_text(json.dumps(made, indent=1) + "\n")
    low, high = made["fold_accuracy_interval_95"]
    say(f"accuracy over 5 folds {made['fold_accuracy_mean']:.4f} [{low:.4f}, {high:.4f}], n = 5")
    for kind, rate in made["rates"].items():
        say(f"{'accuracy, held-out' if kind == 'accuracy' else kind + ' accepted'}: {rate:.4f}")
    same = hashlib.sha256(content).hexdigest() == judge.sha256
    say(f"agrees with the committed weights on {judge.agreement(weights):.1%} of the held-out data")
    say(f"wrote {path}, {'equal to' if same else 'not'} the committed file to the bit")
    return path
