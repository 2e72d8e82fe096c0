"""Suite files and the command line: what is refused, and in what words."""

import json
import subprocess
import sys

import pytest

from ganbench import suite as suites
from ganbench.canonical import canonical, digest
from ganbench.catalogue import LISTS
from ganbench.cli import main
from ganbench.errors import BadInput
from ganbench.plan import groups, protocol
from ganbench.registry import canonical_name, kinds, names_of, resolve

GOOD = (suites.SUITES / "smoke.toml").read_text()


def written(tmp_path, text):
    path = tmp_path / "made.toml"
    path.write_text(text)
    return path


def test_every_suite_file_reads():
    for name in suites.suite_names():
        assert suites.read(suites.find(name)).name == name


BAD = {
    "not TOML": ("name = ", "not TOML"),
    "unknown key": (GOOD + "srce = 1\n", "methods.3.srce: "),
    "unknown key, what is allowed": (GOOD + "srce = 1\n", "known: hyperparameters, name, source"),
    "missing key": (GOOD.replace("batch = 128\n", ""), "tasks.ring.batch: Field required"),
    "method twice": (GOOD.replace('"mdgan"', '"gap"'), "'gap' appears twice"),
    "too few curve samples": (
        GOOD.replace("batch = 128\n", "batch = 128\ncurve_samples = 20\n"),
        "tasks.ring.curve_samples: 20 must be at least 40",
    ),
    "too large a batch of samples": (
        GOOD.replace("batch = 128\n", "batch = 128\nsample_batch = 2501\n"),
        "tasks.ring.sample_batch: 2501 must be at most curve_samples, 2500",
    ),
    "an empty list of values": (GOOD + "hyperparameters.unrolled.steps = []\n", "not be empty"),
    "no tasks": (GOOD + "tasks = []\n", "methods.3.tasks"),
    "a seed beyond 31 bits": (GOOD.replace("seed = 0", "seed = 4294967296"), "seed: "),
    "negative steps": (GOOD.replace("steps = 300", "steps = -300"), "tasks.ring.steps"),
    "wrong type": (GOOD.replace("steps = 300", 'steps = "many"'), "tasks.ring.steps"),
    "a bool for a number": (GOOD.replace("steps = 300", "steps = true"), "tasks.ring.steps"),
    "not a multiple": (GOOD.replace("evaluations = 10", "evaluations = 7"), "multiple"),
    "unknown task": (
        GOOD.replace("[tasks.ring]", "[tasks.rong]"),
        "known: bilinear, celeba, cifar10, compositional-mnist, digits, dirac, fashion-mnist, grid",
    ),
    "unknown method": (GOOD.replace('"mdgan"', '"mdgun"'), "'mdgun'; known:"),
    "two bases": (GOOD.replace('"mdgan"', '"mdgan+ebgan"'), "mdgan and ebgan are both bases"),
    "twice in a stack": (GOOD.replace('"gap"', '"gap+gap"'), "appears twice"),
    "a reference in a stack": (GOOD.replace('"gap"', '"real+gap"'), "stacks with nothing"),
    "a reference": (GOOD.replace('"gap"', '"real"'), "leave it out"),
    "unknown nets": (GOOD.replace('nets = "mlp"', 'nets = "mpl"'), "tasks.ring: nets: no family"),
    "conv on vectors": (
        GOOD.replace('nets = "mlp"', 'nets = "conv"'),
        "tasks.ring: nets conv takes 8x8 images",
    ),
    "a value twice": (GOOD + "hyperparameters.unrolled.steps = [5, 5]\n", "listed twice"),
    "a rate twice": (GOOD.replace("= 1e-3", "= [1e-3, 0.001]", 1), "listed twice"),
    "missing threshold": (GOOD.replace("success_quality = 0.5", ""), "outcome.success_quality"),
    "rate of zero": (GOOD.replace("learning_rate = 1e-3", "learning_rate = 0.0"), "learning_rate"),
    "one rate of several": (
        GOOD.replace("learning_rate = 1e-3", "learning_rate = [1e-3, -1.0]"),
        "tasks.ring.learning_rate.1: Input should be greater than 0 (given: -1.0)",
    ),
    "infinite rate": (GOOD.replace("learning_rate = 1e-3", "learning_rate = inf"), "learning_rate"),
    "no tasks of that name": (
        GOOD + 'tasks = ["grid"]\n',
        "none of the suite's tasks: digits, ring",
    ),
    "unknown score": (
        GOOD.replace("seed = 0", 'seed = 0\nscores = ["kdi"]', 1),
        "scores: unknown score 'kdi'; known: birthday, density, forward_kl",
    ),
    "a score that is always there": (
        GOOD.replace("seed = 0", 'seed = 0\nscores = ["fid"]', 1),
        "scores: 'fid' is in every suite already; leave it out",
    ),
    "a score twice": (
        GOOD.replace("seed = 0", 'seed = 0\nscores = ["kid", "kid"]', 1),
        "scores: 'kid' appears twice",
    ),
    "unknown diagnostic": (
        GOOD + "[diagnostics]\nspectra = 1\n",
        "diagnostics: unknown diagnostic 'spectra'; known: ",
    ),
    "too many diagnoses": (
        GOOD + "[diagnostics]\nspectrum = 11\n",
        "diagnostics.spectrum: 11 must be at most the evaluations of every task (ring: 10)",
    ),
    "no diagnosis": (GOOD + "[diagnostics]\nspectrum = 0\n", "diagnostics.spectrum: "),
    "unknown hyperparameter": (
        GOOD + "hyperparameters.unrolled.stps = 3\n",
        "unknown hyperparameter 'unrolled.stps'; known: unrolled.steps",
    ),
    "hyperparameter of the wrong type": (
        GOOD + "hyperparameters.unrolled.steps = 2.5\n",
        "unrolled.steps = 2.5: Input should be a valid integer",
    ),
    "hyperparameter out of range": (
        GOOD + "hyperparameters.unrolled.steps = -1\n",
        "greater than or equal to 0",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_suite_is_one_line_that_names_file_key_and_what_is_allowed(case, tmp_path):
    text, expected = BAD[case]
    assert text != GOOD
    path = written(tmp_path, text)
    with pytest.raises(BadInput) as error:
        suites.read(path)
    message = str(error.value)
    assert str(path) in message and expected in message and "\n" not in message


def test_a_suite_that_is_not_there_lists_those_that_are():
    with pytest.raises(
        BadInput,
        match="no suite 'nope'.*convergence, .*mode-collapse, .*smoke, .*zoo",
    ):
        suites.find("nope")


def ganbench(*arguments, cwd):
    command = [sys.executable, "-m", "ganbench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120)


#: What chooses devices needs a process of its own, where no backend has started yet.
DEVICES = {
    "run smoke --device cpu:\u00b2": "COUNT goes with cpu",
    "run smoke --device tpu": "no tpu that JAX can use",
    "run smoke --device abacus": "--device: 'abacus' is none of cpu, cpu:COUNT, gpu, tpu",
}
REFUSED = {
    "run nope": "no suite 'nope'",
    "run smoke --tasks grid": "--tasks: 'grid' is none of the suite's: digits, ring",
    "run smoke --methods mdgun": "unknown name 'mdgun'",
    "run smoke --methods mdgan+ebgan": "both bases",
    "run convergence --tasks dirac --methods wasserstein": "has 'wasserstein' for bilinear alone",
    "run smoke --steps -5": "--steps: -5 must be at least 1",
    "run smoke --steps 301": "must be a multiple of evaluations",
    "run smoke --steps x": "--steps",
    "run smoke --seed 4294967296": "--seed: 4294967296 must be below 2147483648",
    "run smoke --methods gap,gap": "appears twice",
    "run smoke --out /proc/ganbench": "cannot be written to",
    "run smoke --out /dev/null": "cannot be written to",
    "run smoke --seeds 0": "--seeds: 0 must be at least 1",
    "run smoke --max-minutes -1": "--max-minutes",
    "list methodz": "'methodz' is none of diagnostics, methods, metrics, nets, suites, tasks",
    "leaderboard nowhere": "no such file",
    "judge train nope": "unknown name 'nope'; known: celeba, cifar10, digits",
    "judge train digits --out /dev/null": "cannot be written",
    "run smoke --methods gap,nonsaturating+gap": "appears twice",
}


@pytest.mark.parametrize("line", DEVICES)
def test_bad_device_exits_with_2_says_one_line_and_writes_nothing(line, tmp_path):
    made = ganbench(*line.split(), cwd=tmp_path)
    assert made.returncode == 2
    assert DEVICES[line] in made.stderr
    assert len(made.stderr.strip().splitlines()) == 1
    assert made.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", REFUSED)
def test_bad_command_exits_with_2_says_one_line_and_writes_nothing(
    line, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ganbench.runtime.set_devices", lambda device: None)  # chosen already
    monkeypatch.setattr(sys, "argv", ["ganbench", *line.split()])
    with pytest.raises(SystemExit) as end:
        main()
    printed = capsys.readouterr()
    assert end.value.code == 2
    assert REFUSED[line] in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("nonsaturating+gap", "gap"),
        ("gap", "gap"),
        ("minimax+unrolled", "unrolled"),
        ("nonsaturating+unrolled", "nonsaturating+unrolled"),
        (" r1 + wgan", "wgan+r1"),
        ("gap+r1", "gap+r1"),
        ("nonsaturating", "nonsaturating"),
    ],
)
def test_one_method_has_one_name(written, name):
    assert canonical_name(written) == name
    assert names_of(name) == names_of(written)


def test_implied_bases():
    assert names_of("gap") == ("nonsaturating", "gap")
    assert names_of("unrolled") == ("minimax", "unrolled")
    assert names_of("r1+unrolled") == ("minimax", "r1", "unrolled")
    assert names_of("nonsaturating+unrolled") == ("nonsaturating", "unrolled")
    assert names_of("gap+ebgan+r1") == ("ebgan", "gap", "r1")


def test_resolve_fills_defaults_and_converts_whole_numbers():
    made = canonical(resolve("r1+gap", {"r1.gamma": 3}))
    assert (
        made == '{"gap.pairs":4,"gap.period":100,"r1.every":1,"r1.gamma":3.0}'
    )  # 3 and 3.0 are one cell
    with pytest.raises(BadInput, match="gap.pairs"):
        resolve("gap", {"gap.pairs": True})


def test_groups_share_what_is_static_and_vary_what_is_traced():
    made = suites.read(suites.find("smoke"))
    entry = made.methods[0].model_copy(
        update={
            "name": "r1+gap",
            "hyperparameters": {"r1": {"gamma": [1.0, 2.0]}, "gap": {"pairs": [2, 3]}},
        }
    )
    planned = [g for g in groups(made.model_copy(update={"methods": [entry]})) if g.task == "ring"]
    assert [g.method for g in planned] == [*kinds("reference"), "r1+gap", "r1+gap"]
    for group, pairs in zip(planned[-2:], (2, 3), strict=True):
        static = {"gap.pairs": pairs, "gap.period": 100, "r1.every": 1}
        assert group.static == static
        assert [lane.values["r1.gamma"] for lane in group.lanes] == [1.0] * 4 + [2.0] * 4
        assert [lane.replicate for lane in group.lanes] == [0, 1, 2, 3] * 2
        assert group.cells[0].row.hyperparameters == {
            **static,
            **{"learning_rate": 1e-3, "r1.gamma": 1.0},
        }


def test_protocol_hash_moves_with_what_makes_results_comparable_and_with_nothing_else():
    made = suites.read(suites.find("smoke"))

    def hashed(suite):
        return digest(protocol(suite, "ring"))

    def with_ring(**changed):
        ring = made.tasks["ring"].model_copy(update=changed)
        return made.model_copy(update={"tasks": {**made.tasks, "ring": ring}})

    assert hashed(with_ring(seeds=99)) == hashed(made)
    assert hashed(with_ring(learning_rate=[0.1, 0.2])) == hashed(made)
    assert hashed(made.model_copy(update={"seed": 7, "methods": made.methods[:1]})) == hashed(made)
    for changed in ({"steps": 600}, {"width": 65}, {"block": 8}, {"curve_samples": 9}, {"b1": 0.4}):
        assert hashed(with_ring(**changed)) != hashed(made), changed
    rules = made.outcome.model_copy(update={"success_coverage": 0.8})
    assert hashed(made.model_copy(update={"outcome": rules})) != hashed(made)


def test_canonical_text_is_one_for_equal_values():
    assert (
        canonical({"b": 1, "a": (1, 2)}) == canonical({"a": [1, 2], "b": 1}) == '{"a":[1,2],"b":1}'
    )


@pytest.mark.parametrize("what", LISTS)
def test_list_is_json_with_names_or_a_line_each(what, capsys, monkeypatch):
    printed = []
    for flags in (["--json"], []):
        monkeypatch.setattr(sys, "argv", ["ganbench", "list", what, *flags])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 0
        printed.append(capsys.readouterr().out)
    rows = json.loads(printed[0])
    assert rows and all(row["name"] and row["summary"] for row in rows)
    assert [line.split()[0] for line in printed[1].splitlines()] == [row["name"] for row in rows]
