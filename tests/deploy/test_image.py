"""What the image promises, as far as its recipe tells without an engine to build it."""

import re
from fnmatch import fnmatch
from pathlib import PurePosixPath

from tests.deploy.documents import DEPLOY, IMAGE_USER, ROOT, SETTINGS, is_pinned

RECIPE = (DEPLOY / "Dockerfile").read_text()


def instructions() -> list[tuple[str, str]]:
    """Every instruction with its arguments, in order, without comments."""
    lines = "\n".join(line for line in RECIPE.splitlines() if not line.lstrip().startswith("#"))
    joined = lines.replace("\\\n", " ").splitlines()
    parts = [line.strip().split(maxsplit=1) for line in joined if line.strip()]
    return [(part[0], " ".join(part[1].split())) for part in parts]


def final_stage() -> list[tuple[str, str]]:
    found = instructions()
    last = max(index for index, (name, _) in enumerate(found) if name == "FROM")
    return found[last:]


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE))


def test_every_stage_begins_with_one_and_the_same_pinned_image() -> None:
    images = {arguments.split()[0] for name, arguments in instructions() if name == "FROM"}
    assert len(images) == 1
    assert all(is_pinned(image) for image in images)


def test_nothing_runs_as_root_and_kubernetes_can_see_it() -> None:
    users = [arguments for name, arguments in final_stage() if name == "USER"]
    assert users == [f"{IMAGE_USER}:{IMAGE_USER}"]
    after = [name for name, _ in final_stage()][[name for name, _ in final_stage()].index("USER") :]
    assert "RUN" not in after
    assert "COPY" not in after


def test_the_image_says_whether_it_is_ready() -> None:
    checks = [arguments for name, arguments in final_stage() if name == "HEALTHCHECK"]
    assert len(checks) == 1
    script = re.search(r'"/opt/sigdep-image/([\w.]+)"\]$', checks[0])
    assert script is not None
    assert (DEPLOY / "image" / script[1]).is_file()


def test_signals_reach_the_service_because_no_shell_stands_before_it() -> None:
    for wanted in ("ENTRYPOINT", "CMD"):
        arguments = [arguments for name, arguments in final_stage() if name == wanted]
        assert len(arguments) == 1
        assert arguments[0].startswith("[")


def test_every_library_comes_with_its_hash_and_nothing_is_compiled() -> None:
    for name, arguments in instructions():
        for command in re.findall(r"python -m pip [^&]+", arguments) if name == "RUN" else ():
            assert "--requirement" not in command or (
                "--require-hashes" in command and "--only-binary=:all:" in command
            )
            assert "--requirement" in command or "--no-deps" in command


def test_the_image_has_the_versions_that_were_tested() -> None:
    image, tested, embedded = locked("distributed"), locked("test"), locked("run")
    assert {name: tested.get(name) for name in image} == image
    assert {name: image.get(name) for name in embedded} == embedded


def test_whatever_is_copied_is_there_and_let_through() -> None:
    allowed = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"]
    copied = [arguments.split()[:-1] for name, arguments in instructions() if name == "COPY"]
    sources = [source for words in copied if not words[0].startswith("--from") for source in words]
    assert len(sources) >= 5
    for source in sources:
        assert (ROOT / source).exists()
        assert any(PurePosixPath(source).is_relative_to(place) for place in allowed), source


def test_no_secret_can_come_into_a_layer() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert not any(name in ("ADD", "ARG") for name, _ in instructions())
    names = re.findall(r"(\w+)=", " ".join(arguments for name, arguments in instructions() if name == "ENV"))
    assert not [
        name for name in names if any(fnmatch(name, word) for word in ("*KEY*", "*SECRET*", "*PASSW*", "*TOKEN*"))
    ]


def test_every_setting_in_the_image_exists() -> None:
    assert set(re.findall(r"SIGDEP_\w+", RECIPE)) <= SETTINGS
