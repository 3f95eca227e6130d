"""What a browser needs to subscribe: the same key for everybody, wherever they ask, and a point of the right curve."""

from base64 import urlsafe_b64decode

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from tests.system.person import Person, problem


async def test_a_browser_is_given_the_key_to_subscribe_with(ada: Person, bob: Person) -> None:
    keys = [await person.read("/api/push-key") for person in (ada, bob, ada)]
    key = keys[0]["application_server_key"]
    assert keys == [{"application_server_key": key}] * 3
    point = urlsafe_b64decode(key + "=")
    EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    del bob.client.headers["Authorization"]
    problem(await bob.client.get("/api/push-key"), 401)
