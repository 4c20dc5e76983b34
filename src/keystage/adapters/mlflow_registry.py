"""MLflow's registry: which models and versions there are, and the aliases that say which of them is in force."""

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from keystage.adapters.mlflow_connection import SQLITE, reach, resolve_uri
from keystage.core.errors import RegistryError, TrackingError, hint, listing
from keystage.core.params import first_line
from keystage.registry.entries import (
    CHAMPION,
    PROMOTIONS_TAG,
    Entry,
    Model,
    Promotion,
    previous,
    promotions_as_text,
    promotions_from_text,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

LATEST = "latest"


class MlflowRegistry:
    """The models of one store.

    Args:
        client: of the store.
        tracking_uri: absolute.
    """

    def __init__(self, client: "MlflowClient", tracking_uri: str) -> None:
        self._client = client
        self.tracking_uri = tracking_uri

    def names(self) -> list[str]:
        """Of all models."""
        names: list[str] = []
        token = None
        while True:
            page = self._client.search_registered_models(max_results=1000, page_token=token)
            names += [str(item.name) for item in page]
            if not (token := page.token):
                return sorted(names)

    def model(self, name: str) -> Model:
        """A model with its versions.

        Raises:
            RegistryError: there is none of that name.
        """
        from mlflow.exceptions import MlflowException

        try:
            found = self._client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            known = self.names()
            raise RegistryError(
                f"there is no model '{name}'",
                why=f"registered are: {listing(known) or 'none'}",
                fix=hint(name, known) if known else "register one: keystage run",
            ) from None
        aliases = {str(alias): str(number) for alias, number in found.aliases.items()}
        every = self._client.search_model_versions(f"name = '{name}'", max_results=10_000)
        entries = [
            Entry(
                model=name,
                number=str(item.version),
                aliases=tuple(sorted(alias for alias, number in aliases.items() if number == str(item.version))),
                tags=dict(item.tags),
                run_id=str(item.run_id or ""),
                registered=int(item.creation_timestamp),
            )
            for item in every
        ]
        history = promotions_from_text(found.tags.get(PROMOTIONS_TAG, ""))
        return Model(name, aliases, tuple(sorted(entries, key=lambda entry: int(entry.number))), history)

    def find(self, name: str) -> Model | None:
        """A model with its versions, or None."""
        return self.model(name) if name in self.names() else None

    def version(self, reference: str) -> tuple[Model, Entry]:
        """The version that ``MODEL@NUMBER``, ``MODEL@latest`` or ``MODEL@ALIAS`` names.

        Raises:
            RegistryError: there is none.
        """
        name, _, wanted = reference.rpartition("@")
        if not name:
            raise RegistryError(
                f"'{reference}' names no version",
                why="a version is named MODEL@NUMBER, MODEL@latest, or MODEL@ALIAS",
                fix=f"write {reference}@{LATEST}",
            )
        model = self.model(name)
        numbers = [entry.number for entry in model.versions]
        number = numbers[-1] if wanted == LATEST and numbers else model.aliases.get(wanted, wanted)
        if (found := model.version(number)) is None:
            raise RegistryError(
                f"model {name} has no version '{wanted}'",
                why=f"it has {listing(numbers) or 'none'}"
                + (f", and the aliases {listing(model.aliases)}" if model.aliases else ""),
                fix=hint(f"{name}@{wanted}", [f"{name}@{known}" for known in (*numbers, *model.aliases, LATEST)]),
            )
        return model, found

    def promote(self, name: str, number: str, by: str, alias: str = CHAMPION) -> Promotion:
        """Give a version an alias, and note it in the model's history, unless it has it already."""
        model = self.model(name)
        done = Promotion(alias, number, model.aliases.get(alias, ""), by, _user(), _now())
        if not done.is_new:
            return done
        # The history first: an alias that is in no history could not be rolled back.
        self._client.set_registered_model_tag(name, PROMOTIONS_TAG, promotions_as_text([*model.promotions, done]))
        self._client.set_registered_model_alias(name, alias, number)
        return done

    def before_champion(self, name: str) -> Entry:
        """The version that was champion before the one that is.

        Raises:
            RegistryError: there is no champion, or none before it, or that one is gone.
        """
        model = self.model(name)
        current = model.aliases.get(CHAMPION)
        before = previous(model.promotions, current) if current else None
        if before is not None and (found := model.version(before)) is not None:
            return found
        if current is None:
            why = "it has no champion"
        elif before is None:
            why = f"no version was promoted before {current}, as far as its history tells"
        else:
            why = f"version {before}, which was champion before {current}, is no more"
        raise RegistryError(
            f"model {name} cannot be rolled back",
            why=why,
            fix=f"name one: keystage registry promote {name}@VERSION",
        )

    def point(self, name: str, alias: str, number: str) -> None:
        """Give a version an alias that nobody rolls back."""
        self._client.set_registered_model_alias(name, alias, number)

    def unpoint(self, name: str, alias: str) -> None:
        """Take an alias away."""
        self._client.delete_registered_model_alias(name, alias)

    def describe(self, name: str, number: str, description: str, tags: Mapping[str, str]) -> None:
        """Tell more of a version that is there."""
        self._client.update_model_version(name, number, description=description)
        for key, value in tags.items():
            self._client.set_model_version_tag(name, number, key, value)


@contextmanager
def open_registry(tracking_uri: str, root: Path) -> Iterator[MlflowRegistry]:
    """The registry that is at a tracking URI, for a command.

    Args:
        tracking_uri: as in conf/tracking.
        root: the project's folder, which a relative SQLite path belongs to.

    Raises:
        RegistryError: no model was ever registered there.
        TrackingError: the store cannot be reached or read.
    """
    uri = resolve_uri(tracking_uri, root)
    if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).is_file():
        raise RegistryError(
            f"no model is registered at {tracking_uri}", why="the store is not there yet", fix="keystage run"
        )
    reach(uri, then="run this command again")
    import mlflow
    from mlflow.exceptions import MlflowException

    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        yield MlflowRegistry(mlflow.MlflowClient(), uri)
    except MlflowException as error:
        raise TrackingError(
            f"MLflow at {tracking_uri} refused a request", why=first_line(error), fix="mend what it names"
        ) from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
