import pytest

from slugs import slug, unique


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hello, world", "hello-world"),
        ("Crème brûlée", "creme-brulee"),
        ("  it's  ", "its"),
        ("Version 2.0", "version-2-0"),
        ("日本", ""),
        ("", ""),
    ],
)
def test_slug(text, name):
    assert slug(text) == name


def test_long_names_end_with_a_word():
    assert slug("one two three", longest=9) == "one-two"
    assert slug("one two three", longest=7) == "one-two"
    assert slug("abcdefgh", longest=4) == "abcd"


@pytest.mark.parametrize("separator", ["", "--", "a", " "])
def test_separator_refuses(separator):
    with pytest.raises(ValueError):
        slug("a b", separator=separator)


def test_unique():
    assert unique("a", set()) == "a"
    assert unique("a", {"a"}) == "a-2"
    assert unique("a", {"a", "a-2", "a-4"}) == "a-3"
