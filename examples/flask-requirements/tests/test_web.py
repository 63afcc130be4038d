import pytest

from shop import create_app


@pytest.fixture
def client():
    return create_app().test_client()


def test_catalogue(client):
    assert client.get("/").json == {"apple": "0.40", "bread": "3.20"}


def test_basket_is_kept(client):
    assert client.post("/basket/apple?count=2").status_code == 201
    assert client.post("/basket/bread").json == {"apple": 2, "bread": 1}
    assert client.get("/basket").json == {"total": "4.00"}
    assert client.get("/basket?discount=50").json == {"total": "2.00"}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/basket/boat", 404), ("/basket/apple?count=0", 400), ("/basket/apple?count=x", 400)],
)
def test_add_refuses(client, path, status):
    assert client.post(path).status_code == status


@pytest.mark.parametrize("discount", ["x", "101", "-5"])
def test_total_refuses(client, discount):
    assert client.get(f"/basket?discount={discount}").status_code == 400
