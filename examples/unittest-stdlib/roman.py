"""Roman numerals."""

VALUES = [
    (1000, "M"),
    (900, "CM"),
    (500, "D"),
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
]


def to_roman(number: int) -> str:
    if not 0 < number < 4000:
        raise ValueError(f"{number} has no Roman numeral")
    out = ""
    for value, letters in VALUES:
        count, number = divmod(number, value)
        out += letters * count
    return out


def from_roman(text: str) -> int:
    rest, total = text, 0
    for value, letters in VALUES:
        while rest.startswith(letters):
            total += value
            rest = rest[len(letters) :]
    if rest or not text or to_roman(total) != text:
        raise ValueError(f"{text!r} is no Roman numeral")
    return total
