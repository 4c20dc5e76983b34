"""What goes wrong when a registered model is used."""

from keystage.core.errors import KeystageError


class ServingError(KeystageError):
    """A model cannot be served, or rows cannot be scored by it."""

    code = "serving"
