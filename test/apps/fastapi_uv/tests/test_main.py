from fastapi.testclient import TestClient

from greeter.main import app


def test_hello():
    assert TestClient(app).get("/").json()["words"][0] == "hello"
