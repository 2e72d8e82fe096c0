"""Published figures in suite files: each as its table has it, and none recalled passed for read."""

import pytest

from ganbench import suite as suites

SCORES = {
    "stacked-mnist": ("modes_ungated", "reverse_kl_ungated"),
    "pacgan-ring": ("modes_any", "high_quality", "reverse_kl"),
    "pacgan-grid": ("modes_any", "high_quality", "reverse_kl"),
}
# rows as the tables print them: mean and spread, of two scores or three
TABLES = {
    "unrolled-stacked stacked-mnist": """
        unrolled 0     | 30.6 20.73  | 5.99 0.42
        unrolled 1     | 65.4 34.75  | 5.91 0.14
        unrolled 5     | 236.4 63.30 | 4.67 0.43
        unrolled 10    | 327.2 74.67 | 4.66 0.46
        nonsaturating  | 78.5 17.56  | 5.21 0.19
        pacgan 2       | 484.5 32.99 | 2.61 0.22
        pacgan 3       | 601.3 32.18 | 2.00 0.17
        pacgan 4       | 667.4 29.00 | 1.81 0.15
    """,
    "pacgan-stacked stacked-mnist": """
        nonsaturating  | 78.9 6.46   | 4.50 0.127
        pacgan 2       | 1000.0 0.00 | 0.06 0.003
        pacgan 3       | 1000.0 0.00 | 0.06 0.003
        pacgan 4       | 1000.0 0.00 | 0.07 0.005
    """,
    "pacgan-toy pacgan-ring": """
        nonsaturating+simultaneous | 6.3 0.5 | 98.2 0.2 | 0.45 0.09
        pacgan+simultaneous 2 | 7.9 0.1 | 95.6 2.0 | 0.07 0.03
        pacgan+simultaneous 3 | 7.8 0.1 | 97.7 0.3 | 0.10 0.02
        pacgan+simultaneous 4 | 7.8 0.1 | 95.9 1.4 | 0.07 0.02
    """,
    "pacgan-toy pacgan-grid": """
        nonsaturating+simultaneous | 17.3 0.8 | 94.8 0.7 | 0.70 0.07
        pacgan+simultaneous 2 | 23.8 0.7 | 91.3 0.8 | 0.13 0.04
        pacgan+simultaneous 3 | 24.6 0.4 | 94.2 0.4 | 0.06 0.02
        pacgan+simultaneous 4 | 24.8 0.2 | 93.6 0.6 | 0.04 0.01
    """,
    "veegan pacgan-ring": """
        nonsaturating  | 1    | 99.3
        ali            | 2.8  | 0.13
        unrolled       | 7.6  | 35.6
        veegan         | 8    | 52.9
    """,
    "veegan pacgan-grid": """
        nonsaturating  | 3.3  | 0.5
        ali            | 15.8 | 1.6
        unrolled       | 23.6 | 16
        veegan         | 24.6 | 40
    """,
}
RECALLED = ("r3gan-stacked", "ebgan-grid", "mdgan-grid")


def figures(suite, task):
    """{(method, its hyperparameter or nothing, score): (value, spread)} of a suite's file."""
    made = {}
    for own in suites.read(suites.find(suite)).published:
        if own.task == task:
            (value,) = own.hyperparameters.values() or ("",)
            made[own.method, str(value), own.metric] = own.value, own.spread
    return made


@pytest.mark.parametrize("table", TABLES)
def test_figures_are_the_tables(table):
    suite, task = table.split()
    expected = {}
    for line in TABLES[table].strip().splitlines():
        row, *cells = (part.split() for part in line.split("|"))
        for metric, (value, *spread) in zip(SCORES[task][: len(cells)], cells, strict=True):
            share = 100 if metric == "high_quality" else 1  # printed in per cent
            told = float(value) / share, float(spread[0]) / share if spread else None
            expected[row[0], row[1] if row[1:] else "", metric] = told
    found = figures(suite, task)
    assert found.keys() == expected.keys()
    for key, (value, spread) in expected.items():
        assert found[key] == (pytest.approx(value), spread and pytest.approx(spread)), key


@pytest.mark.parametrize("name", suites.suite_names())
def test_what_was_recalled_is_not_passed_for_read(name):
    suite = suites.read(suites.find(name))
    own = [x for x in suite.claims if x.source.startswith("ganbench")]
    told = {x.verified for x in (*suite.claims, *suite.published) if x not in own}
    assert told <= {name not in RECALLED}
    assert not any(x.verified for x in own)
