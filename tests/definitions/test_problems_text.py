"""A problem on a terminal: a place, a sentence, the line, a caret, a hint, and nothing that spoils the screen."""

from reconciler.model.problem import Place, Problem
from reconciler.report.problems import render


def test_the_caret_stands_under_what_is_meant():
    problem = Problem(
        Place("builds/api.yaml", 12, 5), 'unknown key "tiemout"', 'did you mean "timeout"?', "unknown-key",
        "    tiemout: 45", 7,
    )  # fmt: skip
    assert render([problem]) == (
        'builds/api.yaml:12:5: unknown key "tiemout"\n'
        "   12 |     tiemout: 45\n"
        "      |     ^^^^^^^\n"
        '      = did you mean "timeout"?\n'
        "\n"
        "Found 1 problem in 1 file.\n"
    )


def test_nothing_in_a_file_reaches_the_terminal_as_it_is():
    problem = Problem(Place("a\n\x1b[2J.yaml", 1, 3), "a \x1b[31m\u202e", "", "", "x\x1b[2J\x07y", 1)
    text = render([problem])
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.splitlines()[0] == "a\\n\\u001b[2J.yaml:1:3: a \\u001b[31m\\u202e"


def test_colours_are_added_only_where_wanted():
    problem = Problem(Place("a.yaml", 1, 1), "wrong", "right", "", "x", 1)
    plain, painted = render([problem]), render([problem], color=True)
    assert "\x1b" not in plain
    assert "\x1b[31m^\x1b[0m" in painted


def test_a_problem_without_a_line_has_its_place_only():
    assert render([Problem(Place("a.yaml"), "this is not a regular file")]) == (
        "a.yaml: this is not a regular file\n\nFound 1 problem in 1 file.\n"
    )


def test_the_last_line_counts_problems_and_files():
    problems = [Problem(Place(f"{n % 3}.yaml", n, 1), "wrong") for n in range(1_200)]
    assert render(problems).endswith("\n\nFound 1,200 problems in 3 files.\n")


def test_a_long_line_is_cut_to_what_surrounds_the_caret():
    problem = Problem(Place("a.json", 1, 500), "wrong", "", "", "x" * 499 + "HERE" + "y" * 500, 4)
    _, line, caret, *_ = render([problem]).splitlines()
    assert len(line) < 140
    at = caret.index("^")
    assert line[at : at + 4] == "HERE"
