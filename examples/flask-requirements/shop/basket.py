from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


@dataclass(frozen=True)
class Discount:
    percent: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise ValueError("a discount is between 0 and 100 percent")


class Basket:
    def __init__(self, prices: dict[str, Decimal], items: dict[str, int] | None = None) -> None:
        self.prices = prices
        self.items = dict(items or {})

    def add(self, name: str, count: int = 1) -> None:
        if name not in self.prices:
            raise KeyError(name)
        if count < 1:
            raise ValueError("count must be at least 1")
        self.items[name] = self.items.get(name, 0) + count

    def total(self, discount: Discount = Discount()) -> Decimal:
        full = sum((self.prices[name] * count for name, count in self.items.items()), Decimal(0))
        return (full * (100 - discount.percent) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
