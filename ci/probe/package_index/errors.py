"""Why distributions could not be published."""

# refused     the index does not know who uploads, or who uploads may not
# identity    the identity of the CI host could not be turned into a token of the index
# taken       the index has a file of that name with other content
# rejected    the index does not take the file
# unseen      the index took a file and does not show it
# unreachable nobody answers, or the index fails again and again
KINDS = ("refused", "identity", "taken", "rejected", "unseen", "unreachable")


class PublishError(Exception):
    def __init__(self, kind, message):
        super().__init__(message)
        assert kind in KINDS
        self.kind = kind
