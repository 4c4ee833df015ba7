"""A join keeps every part and who made it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kizuna.labels import Label, Part, join, join_all, parse_label
from kizuna.labels.join import restricts

TEXTS = (
    "PUBLIC",
    "TLP:CLEAR",
    "TLP:GREEN community=EU",
    "TLP:AMBER",
    "TLP:AMBER to=JPN",
    "PUBLIC & TLP:RED persons=ann",
)
labels = st.builds(
    lambda made, text: parse_label(text, originator=made), st.sampled_from("ABC"), st.sampled_from(TEXTS)
)


def said(label: Label) -> set[tuple[str, str | None, str]]:
    """What each part says, and whose word it is; PUBLIC says nothing."""
    return {
        (f"{part.policy}:{part.classification}", part.community, part.originator or label.originator)
        for part in label.parts
        if part.policy != "PUBLIC"
    }


@given(st.lists(labels, min_size=1, max_size=4))
def test_every_part_stays_the_word_of_whoever_said_it(several: list[Label]) -> None:
    joined = join_all(several)
    assert said(joined) == {one for label in several for one in said(label)}
    if len(set(several)) > 1 and said(joined):
        # The first of them stands for the label, and PUBLIC beside what restricts says nothing more.
        assert joined.originator == min(made for *_, made in said(joined))
        assert all(part.originator != joined.originator and part.policy != "PUBLIC" for part in joined.parts)


@given(labels, st.sampled_from("ABC"))
def test_what_is_public_adds_nothing(label: Label, made: str) -> None:
    public = Label(made, (Part("PUBLIC", "PUBLIC"),))
    if all(part.policy != "PUBLIC" for part in label.parts):
        assert join(label, public) == join(public, label) == label
    assert join(public, Label("B", public.parts)) == Label(max(made, "B"), public.parts)


def test_only_public_and_clear_restrict_nothing() -> None:
    for text, kept in (
        ("PUBLIC", False), ("TLP:CLEAR", False), ("PUBLIC & TLP:CLEAR", False), ("TLP:CLEAR to=B", True), ("TLP:AMBER", True),
        ("TLP:CLEAR & TLP:AMBER", True), ("PUBLIC & TLP:RED", True), ("OWN", True), ("TLP:CLEAR until=2030-01-01", True),
    ):  # fmt: skip
        label = parse_label(text, originator="A")
        assert restricts(label) == kept, text
        assert (
            restricts(
                Label(
                    "B",
                    tuple(
                        Part(p.policy, p.classification, p.categories, originator="A", ends=p.ends) for p in label.parts
                    ),
                )
            )
            == kept
        )
