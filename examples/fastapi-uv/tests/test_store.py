import pytest

from app.store import NotFound, Store


@pytest.fixture
def store():
    store = Store()
    store.add("Buy milk", "two litres", ["shop"])
    store.add("Call Ada", "about the engine")
    return store


def test_ids_are_not_used_twice(store):
    store.remove(2)
    assert store.add("Again").id == 3


@pytest.mark.parametrize(
    ("words", "ids"),
    [("", [1, 2]), ("milk", [1]), ("MILK litres", [1]), ("engine", [2]), ("milk engine", [])],
)
def test_search(store, words, ids):
    assert [note.id for note in store.search(words)] == ids


def test_not_found(store):
    with pytest.raises(NotFound):
        store.get(9)
