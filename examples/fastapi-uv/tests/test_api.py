import pytest
from fastapi.testclient import TestClient

from app.main import create_app


@pytest.fixture
def client():
    return TestClient(create_app())


def test_health(client):
    assert client.get("/health").json() == {"status": "ok"}


def test_add_and_get(client):
    created = client.post("/notes", json={"title": "Milk", "tags": ["Shop", "shop"]})
    assert created.status_code == 201
    assert client.get(f"/notes/{created.json()['id']}").json() == {
        "id": 1,
        "title": "Milk",
        "text": "",
        "tags": ["shop"],
    }


@pytest.mark.parametrize("body", [{}, {"title": ""}, {"title": "x" * 101}, {"title": "x", "tags": "y"}])
def test_add_refuses(client, body):
    assert client.post("/notes", json=body).status_code == 422


def test_missing(client):
    assert client.get("/notes/7").status_code == 404
    assert client.get("/notes/7").json() == {"detail": "no note 7"}


def test_remove(client):
    client.post("/notes", json={"title": "Milk"})
    assert client.delete("/notes/1").status_code == 204
    assert client.delete("/notes/1").status_code == 404


def test_search_over_http(client):
    for title, tag in [("Buy milk", "shop"), ("Buy a boat", "dream")]:
        client.post("/notes", json={"title": title, "tags": [tag]})
    assert [note["id"] for note in client.get("/notes", params={"q": "buy"}).json()] == [1, 2]
    assert [note["id"] for note in client.get("/notes", params={"tag": "DREAM"}).json()] == [2]
