"""Types of the flows' parameters, from which Prefect validates a run and its UI draws a form."""

from typing import Annotated, Any, Optional, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, create_model

from components.settings import Settings

SomeSettings = TypeVar("SomeSettings", bound=Settings)


def every_field_optional(config: type[SomeSettings]) -> type[SomeSettings]:
    """The fields of a settings class with their bounds and descriptions, each None until somebody sets it.

    Rules that join several fields are left to the settings themselves: they hold for preset and changes together.
    """
    fields: dict[str, Any] = {}
    for name, field in config.model_fields.items():
        bounded = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        fields[name] = (Optional[bounded], Field(None, description=field.description))  # noqa: UP045 (not a plain type)
    optional = create_model(config.__name__, __config__=ConfigDict(extra="forbid", frozen=True), **fields)
    optional.__doc__ = config.__doc__
    return cast(type[SomeSettings], optional)


def changes(settings: BaseModel | None) -> dict[str, Any]:
    """What somebody set, by name."""
    return {} if settings is None else settings.model_dump(exclude_none=True)
