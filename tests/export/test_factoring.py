"""`_defaults.yaml`: what a folder shares is written once, and loading gives every document back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.definitions.build import kind_of
from reconciler.definitions.defaults import with_defaults
from reconciler.definitions.writer import Ghost, Remarked, render
from reconciler.export.factoring import factor, relative
from reconciler.export.values import alike, known, lines, spelled
from tests.test_properties import examples

Doc = dict[str, Any]
ADV = "advanced_settings"
GONE = object()


def folder(*parts: Doc, **common: Any) -> list[Doc]:
    return [{"name": f"b{number}", **common, **part} for number, part in enumerate(parts)]


def advanced(**values: Any) -> Doc:
    return {ADV: values}


def loaded(own: Doc, defaults: Doc) -> Doc:
    """The oracle: what stands in a file without comments, completed as the loader does it."""
    return with_defaults(known(own), known(defaults), kind_of(own))


# what is shared ------------------------------------------------------------------------------------------

FIVE = ({},) * 5
TWO = folder({}, {})
APART = {"x-reconciler": {"no_defaults": True}}
DOCKER_NULL = {"docker_build_step": None}
SPEC = {"cpu_req": 100, "cpu_limit": 1000}
INSTALLS = [{"name": "go", "version": "1.20"}, {"name": "node"}]
UNKNOWN = Ghost("false")


@pytest.mark.parametrize(
    ("documents", "defaults"),
    [
        pytest.param(folder(*FIVE, project_key="p"), {"project_key": "p"}, id="a scalar"),
        pytest.param(folder(*FIVE, installs=INSTALLS), {"installs": INSTALLS}, id="a list as a whole"),
        pytest.param(
            folder(*FIVE, project_key="p", **advanced(timeout=5, resource_spec=SPEC)),
            {"project_key": "p", ADV: {"timeout": 5, "resource_spec": SPEC}},
            id="mappings leaf by leaf",
        ),
        pytest.param(
            folder(*FIVE, {"build_os": "focal"}, {"build_os": "focal"}, build_os="jammy"),
            {"build_os": "jammy"},
            id="what most have",
        ),
        pytest.param(
            folder(*FIVE, {ADV: None}, {ADV: None}, **advanced(timeout=5)),
            {ADV: {"timeout": 5}},
            id="null shuts defaults out",
        ),
        pytest.param(folder(*FIVE, advanced(timeout=5), **{ADV: None}), {ADV: None}, id="null is a value"),
        pytest.param(
            folder(*FIVE, **advanced(timeout=5, privileged_mode=UNKNOWN)),
            {ADV: {"timeout": 5, "privileged_mode": UNKNOWN}},
            id="what nobody knows",
        ),
        pytest.param(
            folder(*FIVE, advanced(timeout=5, privileged_mode=True), **advanced(timeout=5, privileged_mode=UNKNOWN)),
            {ADV: {"timeout": 5, "privileged_mode": UNKNOWN}},
            id="what nobody knows, but for one",
        ),
        pytest.param(
            folder(*FIVE, {}, {"docker_build_step": None}, docker_build_step={"dockerfile_source": "local", "a": 1}),
            {"docker_build_step": {"dockerfile_source": "local", "a": 1}},
            id="inside an optional block, where it stands",
        ),
        pytest.param(
            folder(*FIVE, **advanced(timeout=5, storages={"enabled": UNKNOWN})),
            {ADV: {"timeout": 5, "storages": {"enabled": UNKNOWN}}},
            id="an optional block of which nothing is known",
        ),
        pytest.param(
            [*folder(*FIVE, build_os="jammy"), {"name": "t", "template_name": "go", "target_services": []}],
            {"build_os": "jammy"},
            id="templates do not take what they lack",
        ),
        pytest.param(
            [*folder({}, {}, project_key="p"), *folder({}, {}, {}, template_name="go", project_key="p")],
            {"project_key": "p"},
            id="both kinds share what both have",
        ),
        pytest.param(
            folder(*FIVE, {"build_os": "focal"}, {"build_os": GONE, **APART}, build_os="j"),
            {"build_os": "j"},
            id="who takes no defaults has no say",
        ),
    ],
)  # fmt: skip
def test_what_most_builds_of_a_folder_have_becomes_a_default(documents, defaults):
    """A setting goes into `_defaults.yaml` where most have the same and nobody would get what it does not have."""
    documents = [{key: value for key, value in document.items() if value is not GONE} for document in documents]
    assert factor(documents) == defaults
    assert spelled(factor(documents), sort=False) == spelled(defaults, sort=False)


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param([], id="nothing"),
        pytest.param(folder({}, project_key="p"), id="a single build"),
        pytest.param(folder({}, {}, {}, project_key="p"), id="no line is saved: the file has a head"),
        pytest.param(
            [{**doc, **advanced(timeout=n, resource_spec={"cpu_req": 1, "cpu_limit": n})} for n, doc in enumerate(TWO)],
            id="no line is saved: blocks have a line",
        ),
        pytest.param(folder(*FIVE, *[{"build_os": GONE}], build_os="j"), id="one does not have it"),
        pytest.param(folder(*FIVE, *({"build_os": "k"},) * 5, build_os="j"), id="half is not most"),
        pytest.param(folder(*FIVE, {ADV: GONE}, **advanced(timeout=5)), id="one does not have the block"),
        pytest.param(folder(*FIVE, {ADV: {}}, **advanced(timeout=5)), id="one has an empty block"),
        pytest.param(folder(*FIVE, {"build_os": UNKNOWN}, build_os="j"), id="of one nobody knows it"),
        pytest.param(folder(*FIVE, docker_build_step=None), id="a default takes no optional block away"),
        pytest.param(folder(*FIVE, docker_build_step={}), id="a default brings no optional block"),
        pytest.param(folder(*FIVE, build_os={"from_env": "BUILD_X"}), id="a source"),
        pytest.param(folder(*FIVE, installs=[{"version": {"from_file": "v"}}]), id="a source inside"),
        pytest.param(folder(*FIVE, services=[{"service_name": "a"}], build_script="make"), id="of one build alone"),
        pytest.param(folder(*FIVE, build_os="j", **APART), id="taking no defaults"),
        pytest.param(folder(*({},) * 3, *({"build_os": True},) * 3, build_os=1), id="types"),
    ],
)  # fmt: skip
def test_what_builds_do_not_share_is_no_default(documents):
    """No document gets what it does not declare, no file is made that saves nothing."""
    documents = [{key: value for key, value in document.items() if value is not GONE} for document in documents]
    assert factor(documents) == {}


def test_the_head_of_the_file_is_part_of_the_price():
    """Four equal lines are worth a file of one line and a head of two, not one of three."""
    documents = folder({}, {}, {}, {}, project_key="p")
    assert factor(documents, head=2) == {"project_key": "p"}
    assert factor(documents, head=3) == {}


def test_a_remark_is_part_of_the_value():
    """A value that was assumed keeps its remark beside a default that is known."""
    documents = folder(*FIVE, {"build_os": Remarked("jammy", "assumed")}, build_os="jammy")
    assert factor(documents) == {"build_os": "jammy"}
    assert relative(documents[-1], factor(documents)) == documents[-1]
    assert relative(documents[0], factor(documents)) == {"name": "b0"}


# what a file still says ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "defaults", "own"),
    [
        pytest.param({"build_os": "j"}, {"build_os": "j", ADV: None}, None, id="more than it has"),
        pytest.param({ADV: {"timeout": 5}}, {ADV: {"timeout": 5, "outputs": []}}, None, id="more inside"),
        pytest.param({ADV: {}}, {ADV: {"timeout": 5}}, None, id="a block that is empty"),
        pytest.param({ADV: {}}, {ADV: {}}, {}, id="both empty"),
        pytest.param({ADV: None}, {ADV: {"timeout": 5}}, {ADV: None}, id="null instead"),
        pytest.param({ADV: {"timeout": UNKNOWN}}, {ADV: {"timeout": 5}}, None, id="nobody knows it"),
        pytest.param({ADV: {"timeout": True}}, {ADV: {"timeout": 1}}, {ADV: {"timeout": True}}, id="another type"),
        pytest.param({}, {"docker_build_step": {"a": 1}}, {}, id="an optional block that it does not have"),
        pytest.param(
            {"docker_build_step": {"a": 1}}, {"docker_build_step": {"a": 1}}, {"docker_build_step": {}}, id="it stays"
        ),
        pytest.param(DOCKER_NULL, DOCKER_NULL, DOCKER_NULL, id="null stays"),
        pytest.param(
            {"docker_build_step": {"a": 1, "b": UNKNOWN}},
            {"docker_build_step": {"a": 1}},
            {"docker_build_step": {"a": 1, "b": UNKNOWN}},
            id="a block of comments would be none",
        ),
        pytest.param({"template_name": "x"}, {"build_os": "j"}, {"template_name": "x"}, id="another kind's"),
        pytest.param({}, {"x-reconciler": {"prevent_destroy": True}}, {}, id="ours"),
        pytest.param(
            {"build_script": {"from_file": "a.sh"}}, {"build_script": {"from_file": "a.sh"}},
            {"build_script": {"from_file": "a.sh"}}, id="a file of another folder",
        ),
        pytest.param(
            {"build_os": {"from_env": "A"}},
            {"build_os": {"from_file": "b"}},
            {"build_os": {"from_env": "A"}},
            id="a source replaces a source",
        ),
        pytest.param(APART, {"build_os": "j"}, APART, id="apart"),
    ],
)  # fmt: skip
def test_a_file_says_what_the_defaults_do_not(document, defaults, own):
    """What loading would supply goes; None where it would supply what the document does not have."""
    assert relative(document, defaults) == own


# for all folders -----------------------------------------------------------------------------------------


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([GONE, *values])


@st.composite
def mappings(draw: st.DrawFn, **fields: st.SearchStrategy[Any]) -> Doc:
    drawn = {key: draw(strategy) for key, strategy in fields.items()}
    return {key: value for key, value in drawn.items() if value is not GONE}


GHOST = Ghost("[]")
SCALAR = st.sampled_from([5, 5, 5, True, None, "5", GHOST, {"from_env": "BUILD_X"}])
SOME = st.just(5) | SCALAR | st.just(GONE)
BLOCK = st.sampled_from([GONE, None, GHOST, {}]) | mappings(enabled=SOME, cache_dir=SOME)
LISTS = maybe([], [5], [{"key": "A", "value": "x\ny\n"}], [{"key": "A", "description": GHOST}], GHOST)
SETTINGS = mappings(
    timeout=SOME,
    resource_spec=mappings(cpu_req=SOME, cpu_limit=SOME),
    cache_setting=BLOCK,
    storages=BLOCK,
    outputs=LISTS,
)
OWN = st.sampled_from([GONE] * 9 + [{"no_defaults": True}, {"prevent_destroy": True}])
PLAIN = mappings(
    project_key=SOME,
    infrastructure=maybe("kubernetes", Remarked("kubernetes", "assumed")),
    installs=LISTS,
    build_script=maybe("a\nb\n", {"from_file": "a.sh"}),
    docker_build_step=BLOCK,
    advanced_settings=SETTINGS | SETTINGS | SETTINGS | maybe(None, GHOST),
)
TEMPLATE = mappings(project_key=SOME, template_name=st.just("go"), target_services=LISTS)
ONE = PLAIN | PLAIN | TEMPLATE
EXTRA = mappings(**{"x-reconciler": OWN})


@st.composite
def folders(draw: st.DrawFn) -> list[Doc]:
    """Documents that are copies of few, so that they share something."""
    models = draw(st.lists(ONE, min_size=1, max_size=4))
    chosen = draw(st.lists(st.sampled_from(models), max_size=9))
    return [{"name": f"b{number}", **model, **draw(EXTRA)} for number, model in enumerate(chosen)]


def test_loading_gives_every_document_back():
    """With its defaults a folder says exactly what it said, in fewer lines or without defaults, in any order."""
    factored = []

    @examples(500)
    @given(folders(), st.randoms(use_true_random=False))
    def law(documents, random):
        defaults = factor(documents)
        factored.append(bool(defaults))
        own = [relative(document, defaults) for document in documents]
        for document, left in zip(documents, own, strict=True):
            assert left is not None
            apart = document.get("x-reconciler") == {"no_defaults": True}
            assert spelled(loaded(left, {} if apart else defaults)) == spelled(known(document))
        written = sum(render(document).count("\n") for document in documents)
        now = sum(render(document).count("\n") for document in own)
        assert now + render(defaults).count("\n") + 2 < written if defaults else now == written
        shuffled = list(documents)
        random.shuffle(shuffled)
        assert spelled(factor(shuffled), sort=False) == spelled(defaults, sort=False)

    law()
    assert sum(factored) > len(factored) // 4


@examples(300)
@given(ONE, ONE | PLAIN)
def test_any_defaults_are_taken_into_account(document, defaults):
    """Against defaults that somebody wrote: exactly the document, or None where they supply what it does not have."""
    document = {"name": "b", **document}
    defaults = {key: value for key, value in defaults.items() if key not in ("template_name", "target_services")}
    own = relative(document, defaults)
    if own is None:
        assert spelled(loaded(document, defaults)) != spelled(known(document))
    else:
        assert spelled(loaded(own, defaults)) == spelled(known(document))
        assert lines(own) <= lines(document)


@examples(200)
@given(ONE)
def test_lines_are_counted_as_they_are_written(document):
    """The figure that decides is the number of lines in the file."""
    assert lines(document) == render(document).count("\n") - (not document)


VALUES = [
    0,
    1,
    True,
    False,
    None,
    "",
    "1",
    [],
    [1],
    [True],
    {},
    {"a": 1},
    {"a": True},
    {"a": 1, "b": 1},
    {"b": 1, "a": 1},
]
VALUES += [Ghost("1"), Ghost("2"), Remarked("1", "x"), Remarked("1", "y"), Remarked("", "x"), [Ghost("1")], {"a": [[]]}]


@pytest.mark.parametrize("one", VALUES, ids=repr)
def test_values_are_alike_where_they_are_spelled_alike(one):
    """Both tell types, ghosts and remarks apart, and neither looks at the order of keys."""
    assert [alike(one, other) for other in VALUES] == [spelled(one) == spelled(other) for other in VALUES]
    assert sum(alike(one, other) for other in VALUES) == (2 if isinstance(one, dict) and len(one) == 2 else 1)
