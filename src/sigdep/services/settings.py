"""What an operator may set, where each value came from, and a sentence for each one that cannot be."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct
from msgspec import inspect as kinds

PREFIX: Final = "SIGDEP_"

OPENTELEMETRY_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""What sets the collector where SIGDEP_OTLP_ENDPOINT does not."""

Positive = Annotated[int, Meta(ge=1)]


class BadSetting(Exception):
    """A setting has a value that cannot be used. The text says which, and what would do."""


def default_data_dir() -> Path:
    """`~/.local/share/sigdep`, or below `XDG_DATA_HOME` where that is set (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "sigdep"


class Settings(Struct, frozen=True, kw_only=True):
    """Every setting is also an environment variable: `SIGDEP_PORT` for `port`."""

    host: Annotated[str, "Address to listen on."] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535), "Port to listen on; 0 takes a free one."] = 8000
    data_dir: Annotated[str, "Folder that holds all data and secrets."] = ""
    public_url: Annotated[str, "How clients reach this server; the issuer in its access tokens."] = ""
    # Generous: a person never meets them, a script that has run wild does.
    limits: Annotated[
        bool, "All limits that follow, up to that of connections; passwords are guarded all the same."
    ] = True
    limit_per_second: Annotated[Positive, "Requests a second that one user may keep up."] = 200
    limit_burst: Annotated[Positive, "Requests that one user may send at once."] = 1_000
    address_limit_per_second: Annotated[Positive, "The same for one address whose callers are not signed in."] = 50
    address_limit_burst: Annotated[Positive, "The same for one address whose callers are not signed in."] = 200
    sign_in_limit_per_second: Annotated[
        Positive, "Of one address, for writes that are open to everybody: to sign in, to register."
    ] = 2
    sign_in_limit_burst: Annotated[Positive, "The same, at once."] = 20
    for_many_limit_per_second: Annotated[
        Positive, "Of one address, in place of both, for writes that a few servers send for very many people."
    ] = 100
    for_many_limit_burst: Annotated[Positive, "The same, at once."] = 2_000
    bad_token_limit_per_second: Annotated[
        Positive, "Of one address, for tokens that are none: past it none of its tokens is looked at."
    ] = 2
    bad_token_limit_burst: Annotated[Positive, "The same, at once."] = 40
    address_connections: Annotated[Positive, "Connections that one address may hold, trusted proxies apart."] = 1_000
    guess_limits: Annotated[
        bool, "Limits on wrong passwords, by account and address. Without them passwords can be guessed."
    ] = True
    trusted_proxies: Annotated[str, "Addresses whose X-Forwarded-For is believed, with commas between."] = ""
    cors_origins: Annotated[str, "Web origins that may call the API, with commas between."] = ""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], "The least serious line to log."] = "info"
    access_token_seconds: Annotated[int, Meta(ge=60, le=900), "How long an access token is valid."] = 900
    erase_grace_days: Annotated[float, Meta(ge=0, le=365), "Days in which an erasure can be taken back."] = 14.0
    request_seconds: Annotated[Positive, "The longest that one request may take."] = 30
    otlp_endpoint: Annotated[str, "Collector that traces are sent to by OTLP over HTTP: http://host:4318."] = ""
    trace_ratio: Annotated[float, Meta(ge=0, le=1), "Share of the requests that are traced."] = 0.01
    smtp_url: Annotated[
        str, "Mail server: smtp://user:password@host:587, smtps:// or smtp+plain://. None: no e-mail is sent."
    ] = ""
    smtp_from: Annotated[str, "Whom e-mail is from: SigDep <reminders@example.org>."] = ""
    fcm_account: Annotated[str, "JSON file of the service account that pushes to phones. None: none is pushed to."] = ""
    fcm_endpoint: Annotated[str, "Where Firebase Cloud Messaging is."] = "https://fcm.googleapis.com"
    vapid_subject: Annotated[str, "Whom push services can write to: mailto:you@example.org or https://…."] = ""
    webhook_record_days: Annotated[
        int, Meta(ge=1, le=3650), "Days for which a webhook's delivery is listed after it has ended. The log keeps all."
    ] = 30
    outgoing_allow: Annotated[
        str, "Ranges of addresses inside that webhooks and pushes may go to, with commas between: 10.1.0.0/16."
    ] = ""

    @property
    def traces_anywhere(self) -> bool:
        """Whether there is a collector: ours to name, or named by OpenTelemetry's own variables."""
        return bool(self.otlp_endpoint or any(os.environ.get(name) for name in OPENTELEMETRY_ENDPOINTS))

    @property
    def data_path(self) -> Path:
        return Path(self.data_dir).expanduser() if self.data_dir else default_data_dir()


S = TypeVar("S", bound=Settings)


class Origin(Struct, frozen=True):
    """One setting as it stands, and where its value came from."""

    name: str
    variable: str
    value: Any
    origin: Literal["default", "environment", "command line"]
    about: str


def load_settings(environment: Mapping[str, str], options: Mapping[str, Any]) -> tuple[Settings, list[Origin]]:
    """Those of one process for everything: see `load_settings_of`."""
    return load_settings_of(Settings, environment, options)


def load_settings_of(
    kind: type[S], environment: Mapping[str, str], options: Mapping[str, Any]
) -> tuple[S, list[Origin]]:
    """The settings: an option beats an environment variable, which beats the default.

    Args:
        kind: which settings there are.
        options: by setting's name; None means that the option was not given.

    Raises:
        BadSetting: a value does not fit, or a SIGDEP_ variable has no meaning.
    """
    hints = get_type_hints(kind, include_extras=True)
    unknown = [name for name in environment if name.startswith(PREFIX) and name[len(PREFIX) :].lower() not in hints]
    if unknown:
        raise BadSetting(f"{', '.join(sorted(unknown))} sets nothing. `sigdep config` lists what can be set.")
    origins = [_origin(field, hints[field.name], environment, options) for field in msgspec.structs.fields(kind)]
    return kind(**{origin.name: origin.value for origin in origins}), origins


def _origin(
    field: msgspec.structs.FieldInfo, hint: Any, environment: Mapping[str, str], options: Mapping[str, Any]
) -> Origin:
    name, variable, about = field.name, PREFIX + field.name.upper(), get_args(hint)[-1]
    if options.get(name) is not None:
        option = "--" + name.replace("_", "-")
        return Origin(name, variable, _convert(option, options[name], hint), "command line", about)
    if variable in environment:
        return Origin(name, variable, _convert(variable, environment[variable], hint), "environment", about)
    return Origin(name, variable, field.default, "default", about)


def _convert(source: str, value: Any, hint: Any) -> Any:
    try:
        return msgspec.convert(value, hint, strict=False)
    except msgspec.ValidationError:
        raise BadSetting(f"{source} cannot be {value!r}: it takes {_taken(kinds.type_info(hint))}.") from None


def _taken(info: kinds.Type) -> str:
    """What a setting takes, for whoever has written something else."""
    match info:
        case kinds.Metadata():
            return _taken(info.type)
        case kinds.UnionType():
            return " or ".join(_taken(one) for one in info.types if not isinstance(one, kinds.NoneType))
        case kinds.IntType():
            return f"a whole number{_between(info.ge, info.le)}"
        case kinds.FloatType():
            return f"a number{_between(info.ge, info.le)}"
        case kinds.BoolType():
            return "true or false"
        case kinds.LiteralType():
            *others, last = map(str, info.values)
            return f"{', '.join(others)} or {last}"
        case _:
            return "text"


def _between(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" between {least:,} and {most:,}"
    if least is not None:
        return f" from {least:,} on"
    return "" if most is None else f" up to {most:,}"
