from django.test import SimpleTestCase


class Index(SimpleTestCase):
    def test_index(self):
        self.assertContains(self.client.get("/"), "hello")
