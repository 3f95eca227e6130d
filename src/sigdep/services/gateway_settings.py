"""From an operator's settings to the gateway's."""

from ipaddress import ip_network

from sigdep.gateway.addresses import Network
from sigdep.gateway.doors import Doors
from sigdep.gateway.settings import GatewaySettings, Limits
from sigdep.http.limiting import Rate
from sigdep.services.settings import BadSetting, Settings


def open_doors(settings: Settings) -> Doors:
    """
    Raises:
        BadSetting: a trusted proxy is no address.
    """
    return Doors(
        address_max=settings.address_connections if settings.limits else None, trusted=trusted_proxies(settings)
    )


def trusted_proxies(settings: Settings) -> tuple[Network, ...]:
    """
    Raises:
        BadSetting: one of them is no address.
    """
    try:
        return tuple(ip_network(proxy) for proxy in _listed(settings.trusted_proxies))
    except ValueError as error:
        raise BadSetting(f"SIGDEP_TRUSTED_PROXIES: {error}.") from None


def gateway_settings(settings: Settings, fingerprint_key: bytes) -> GatewaySettings:
    """
    Raises:
        BadSetting: a trusted proxy is no address.
    """
    return GatewaySettings(
        fingerprint_key=fingerprint_key,
        limits=limits_of(settings) if settings.limits else None,
        trusted_proxies=trusted_proxies(settings),
        allowed_origins=_listed(settings.cors_origins),
        https=settings.public_url.startswith("https://"),
        deadline_seconds=settings.request_seconds,
        log_requests=settings.log_level in ("debug", "info"),
        trace_ratio=settings.trace_ratio,
    )


def limits_of(settings: Settings) -> Limits:
    return Limits(
        user=Rate(per_second=settings.limit_per_second, burst=settings.limit_burst),
        address=Rate(per_second=settings.address_limit_per_second, burst=settings.address_limit_burst),
        sign_in=Rate(per_second=settings.sign_in_limit_per_second, burst=settings.sign_in_limit_burst),
        for_many=Rate(per_second=settings.for_many_limit_per_second, burst=settings.for_many_limit_burst),
        bad_token=Rate(per_second=settings.bad_token_limit_per_second, burst=settings.bad_token_limit_burst),
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
