"""How a call ends when it does not end with true."""


class Fails(Exception):
    """The call fails."""


class No(Exception):
    """The answer is false."""


class NeedsEvm(Exception):
    """It takes an EVM to go on, which this program is not."""
