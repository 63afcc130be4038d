import unittest

from roman import from_roman, to_roman


class ToRoman(unittest.TestCase):
    def test_known(self):
        for number, text in [(1, "I"), (4, "IV"), (1994, "MCMXCIV"), (3999, "MMMCMXCIX")]:
            with self.subTest(number=number):
                self.assertEqual(to_roman(number), text)

    def test_out_of_range(self):
        for number in (0, -1, 4000):
            with self.subTest(number=number), self.assertRaises(ValueError):
                to_roman(number)


class FromRoman(unittest.TestCase):
    def test_known(self):
        self.assertEqual(from_roman("MMXXVI"), 2026)

    def test_refuses(self):
        for text in ("", "IIII", "VX", "ic", "MMMM"):
            with self.subTest(text=text), self.assertRaises(ValueError):
                from_roman(text)

    def test_there_and_back(self):
        self.assertTrue(all(from_roman(to_roman(number)) == number for number in range(1, 4000)))


if __name__ == "__main__":
    unittest.main()
