from decimal import Decimal

import pytest

from shop.basket import Basket, Discount

PRICES = {"apple": Decimal("0.40"), "bread": Decimal("3.20")}


def test_empty():
    assert Basket(PRICES).total() == Decimal("0.00")


def test_adds_up():
    basket = Basket(PRICES)
    basket.add("apple", 3)
    basket.add("bread")
    basket.add("apple")
    assert basket.items == {"apple": 4, "bread": 1}
    assert basket.total() == Decimal("4.80")


@pytest.mark.parametrize(("percent", "total"), [("0", "3.20"), ("10", "2.88"), ("33.3", "2.13"), ("100", "0.00")])
def test_discount(percent, total):
    assert Basket(PRICES, {"bread": 1}).total(Discount(Decimal(percent))) == Decimal(total)


@pytest.mark.parametrize("percent", ["-1", "100.1"])
def test_discount_refuses(percent):
    with pytest.raises(ValueError):
        Discount(Decimal(percent))


def test_unknown():
    with pytest.raises(KeyError):
        Basket(PRICES).add("boat")
