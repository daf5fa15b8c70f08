"""What every section of the settings is: frozen, complete, and silent about what was written where it is refused."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One table of `flotilla.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)
