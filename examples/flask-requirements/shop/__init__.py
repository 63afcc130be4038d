from decimal import Decimal, InvalidOperation

from flask import Flask, abort, jsonify, request, session

from shop.basket import Basket, Discount


def create_app(prices: dict[str, Decimal] | None = None) -> Flask:
    app = Flask(__name__)
    app.secret_key = "only for development"
    catalogue = prices or {"apple": Decimal("0.40"), "bread": Decimal("3.20")}

    def basket() -> Basket:
        return Basket(catalogue, session.get("items", {}))

    @app.get("/")
    def index():
        return jsonify({name: str(price) for name, price in sorted(catalogue.items())})

    @app.post("/basket/<name>")
    def add(name: str):
        try:
            count = int(request.args.get("count", "1"))
            current = basket()
            current.add(name, count)
        except KeyError:
            abort(404, f"no {name} here")
        except ValueError as error:
            abort(400, str(error))
        session["items"] = current.items
        return jsonify(current.items), 201

    @app.get("/basket")
    def total():
        try:
            discount = Discount(Decimal(request.args.get("discount", "0")))
        except (InvalidOperation, ValueError):
            abort(400, "discount must be a percentage")
        return jsonify(total=str(basket().total(discount)))

    return app
