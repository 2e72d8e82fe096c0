"""Power against Fisher's test as SciPy has it, and the command that prints it."""

import json
from itertools import combinations

import commands
import numpy as np
import pytest
from scipy import stats

from ganbench.errors import BadInput
from ganbench.power import (
    LARGEST,
    MOST_SEEDS,
    least_separable,
    least_significant,
    power,
    seeds_needed,
    separable,
)

RNG = np.random.default_rng


def p_value(a, b, n):
    return stats.fisher_exact([[a, n - a], [b, n - b]]).pvalue


def typed(monkeypatch, capsys, line):
    """Exit code, output and errors of `ganbench power LINE`."""
    return commands.typed(monkeypatch, "power", *line.split()), *capsys.readouterr()


@pytest.mark.parametrize("alpha", [0.001, 0.01, 0.05, 0.1, 0.4])
def test_the_border_of_significance_is_that_of_scipys_p(alpha):
    """Whole tables of small n; at larger n the border itself, and one short of it."""
    for n in range(1, 9):
        table = np.array([[p_value(a, b, n) for b in range(n + 1)] for a in range(n + 1)])
        # a p that is alpha but for SciPy's rounding is alpha, such as 0.1 of 3 of 3 against 0
        found = np.arange(n + 1) >= least_significant(n, alpha)[:, None]
        np.testing.assert_array_equal(found | found.T, table <= alpha * (1 + 1e-9))
    for n in RNG(0).integers(9, 700, size=12):
        border = least_significant(int(n), alpha)
        for a in RNG(int(n)).integers(0, n, size=6):
            if border[a] <= n:
                assert p_value(a, border[a], n) <= alpha
            if border[a] - 1 > a:
                assert p_value(a, border[a] - 1, n) > alpha


def test_power_is_the_sum_over_all_outcomes():
    for n, a, b, alpha in ((5, 0.2, 0.5, 0.05), (13, 0.9, 0.35, 0.1), (20, 0.0, 0.3, 0.01)):
        k = range(n + 1)
        p = {(i, j): stats.binom.pmf(i, n, a) * stats.binom.pmf(j, n, b) for i in k for j in k}
        sure = sum(mass for at, mass in p.items() if p_value(*at, n) <= alpha)
        np.testing.assert_allclose(power(a, b, n, alpha), sure, rtol=1e-9)
        np.testing.assert_allclose(power(b, a, n, alpha), sure, rtol=1e-9)


def test_known_powers():
    """0.2 against 0.5; and 0 against 1, of which 4 seeds are the least that can be significant."""
    known = [power(0.2, 0.5, n) for n in (5, 20, 50)]
    np.testing.assert_allclose(known, [0.0745, 0.4095, 0.8527], atol=5e-5)
    assert [power(0, 1, n) for n in (3, 4, 100)] == [0, 1, 1]
    assert power(0.5, 0.5, 30) < 0.05


def last_below(a, b, alpha, most=MOST_SEEDS):
    """The last n of all up to `most` at which power is under 80 %."""
    return max((n for n in range(1, most + 1) if power(a, b, n, alpha) < 0.8), default=0)


def test_seeds_needed_looks_past_the_saw_teeth():
    """5 seeds reach 80 % at 0 against 0.85; 6 have less, as have 26 to 29 of the second pair."""
    assert [round(power(0, 0.85, n), 3) for n in (4, 5, 6, 7)] == [0.522, 0.835, 0.776, 0.926]
    assert seeds_needed(0, 0.85) == seeds_needed(0.85, 0) == 7
    assert power(0.65, 1, 26, 0.01) > 0.85
    assert seeds_needed(0.65, 1, 0.01) == 1 + last_below(0.65, 1, 0.01, 100) > 27


def test_seeds_needed_up_to_a_thousand():
    assert seeds_needed(0.25, 0.3125) == 842
    assert power(0.25, 0.3125, 841) < 0.8 <= power(0.25, 0.3125, 842)
    assert seeds_needed(0.5, 0.5625) is None and power(0.5, 0.5625, MOST_SEEDS) < 0.8
    assert seeds_needed(0.5, 0.5001) is None
    assert seeds_needed(0, 1) == 4


PAIRS = [*combinations(np.round(np.linspace(0, 1, 17), 4).tolist(), 2)]


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_seeds_needed_agrees_with_a_look_at_every_n(alpha):
    for a, b in PAIRS[::3]:
        if b - a >= 0.25:
            assert seeds_needed(a, b, alpha) == 1 + last_below(a, b, alpha, 200), (a, b)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.1, 0.05, 0.01, 0.001])
def test_seeds_needed_agrees_with_a_look_at_every_n_to_a_thousand(alpha):
    for a, b in PAIRS[::2]:
        found, last = seeds_needed(a, b, alpha), last_below(a, b, alpha)
        assert found == (None if last == MOST_SEEDS else last + 1), (a, b)


def test_separable_is_the_clearest_result_there_is():
    for n in range(1, 12):
        for pairs in (1, 45, 1953):
            adjusted = pairs * p_value(0, n, n)
            assert separable(n, pairs) == (adjusted <= 0.05)
    assert [separable(n) for n in (3, 4)] == [False, True]
    assert least_separable(1953) == 10 and least_separable() == 4


def test_the_command_says_power_and_seeds(monkeypatch, capsys):
    code, out, _ = typed(monkeypatch, capsys, "--rate-a 0.2 --rate-b 0.5")
    assert code == 0
    assert "     20 seeds a side  power 0.41\n" in out
    assert out.endswith("power of at least 80%: from 44 seeds a side on\n")
    _, out, _ = typed(monkeypatch, capsys, "--rate-a 0.2 --rate-b 0.5 --seeds 30 --alpha 0.01")
    assert [line for line in out.splitlines() if "seeds a side  " in line] == [
        f"     30 seeds a side  power {power(0.2, 0.5, 30, 0.01):.2f}"
    ]
    _, out, _ = typed(monkeypatch, capsys, "--rate-a 0.5 --rate-b 0.51")
    assert out.endswith("power of at least 80%: more than 1,000 seeds a side\n")


def test_the_command_as_json(monkeypatch, capsys):
    code, out, _ = typed(monkeypatch, capsys, "--rate-a 0.2 --rate-b 0.5 --seeds 20 --json")
    made = json.loads(out)
    assert code == 0 and made.pop("power") == {"20": power(0.2, 0.5, 20)}
    wanted = {"rate_a": 0.2, "rate_b": 0.5, "alpha": 0.05, "target": 0.8, "seeds_needed": 44}
    assert made == wanted
    _, out, _ = typed(monkeypatch, capsys, "--rate-a 0.5 --rate-b 0.51 --json")
    assert json.loads(out)["seeds_needed"] is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--rate-a 1.2 --rate-b 0.5", "--rate-a: 1.2 must be a rate, 0 to 1"),
        ("--rate-a 0.2 --rate-b -0.5", "--rate-b: -0.5 must be a rate"),
        ("--rate-a nan --rate-b 0.5", "--rate-a: nan must be a rate"),
        ("--rate-a 0.5 --rate-b 0.5", "--rate-b: 0.5 equals --rate-a; no number of seeds"),
        ("--rate-a 0.2 --rate-b 0.5 --seeds 0", "--seeds: 0 must be 1 to 100,000"),
        (f"--rate-a 0.2 --rate-b 0.5 --seeds {LARGEST + 1}", "--seeds: 100001 must be 1 to"),
        ("--rate-a 0.2 --rate-b 0.5 --alpha 0", "--alpha: 0 must be at least 1e-12 and below 1"),
        ("--rate-a 0.2 --rate-b 0.5 --alpha 1", "--alpha: 1 must be at least 1e-12 and below 1"),
        (
            "--rate-a 0.2 --rate-b 0.5 --alpha nan",
            "--alpha: nan must be at least 1e-12 and below 1",
        ),
        ("--rate-a 0.2", "--rate-b"),
    ],
)
def test_bad_input_is_one_line_that_names_the_flag(line, said, monkeypatch, capsys):
    code, out, err = typed(monkeypatch, capsys, line)
    assert code == 2 and out == ""
    assert said in err and len(err.strip().splitlines()) == 1


def test_power_itself_refuses_what_the_command_does():
    with pytest.raises(BadInput, match="--alpha"):
        power(0.1, 0.2, 5, 1.5)
    with pytest.raises(BadInput, match="--rate-a"):
        seeds_needed(-0.1, 0.2)


def test_rates_that_no_number_of_seeds_tells_apart_and_alphas_beyond_the_digits():
    assert seeds_needed(0.0, 1e-320) is None
    assert seeds_needed(0.5, 0.5 + 1e-12) is None
    with pytest.raises(BadInput, match="--alpha: 1e-13 must be at least 1e-12 and below 1"):
        power(0.2, 0.5, 10, 1e-13)
