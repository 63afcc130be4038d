from flask import Flask, render_template


def create_app(testing: bool = False) -> Flask:
    app = Flask(__name__)
    app.testing = testing

    @app.get("/")
    def index() -> str:
        return render_template("index.html", what="flask")

    return app
