"""Builds the programs to measure."""

import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATIC_TARGET = "x86_64-unknown-linux-gnu"


def cargo(*arguments):
    subprocess.run(["cargo", *arguments], cwd=ROOT, check=True)


def build(directory):
    """Builds everything and installs it in `directory`. Returns the paths by name."""
    cargo("build", "--release")
    for step in ("build", "package"):
        subprocess.run([ROOT / "contrib/release" / step], check=True)
    cargo("build", "--package", "stand-in")
    target = pathlib.Path(metadata()["target_directory"])
    programs = {
        "dynamic": target / "release/spotinst-cred",
        "stand-in": target / "debug/stand-in",
        **empty_programs(directory),
    }
    installed = {name: install(program, directory / "installed" / name) for name, program in programs.items()}
    return {**installed, **released(target / "dist/assets", directory / "released")}


def released(assets, directory):
    """Installs the released programs as users do. Returns the paths by name."""
    for form in ("tarball", "package", "wheel"):
        (directory / form).mkdir(parents=True)
    [tarball], [package] = assets.glob("*-x86_64-linux.tar.gz"), assets.glob("*_amd64.deb")
    subprocess.run(["tar", "-xzf", tarball, "--strip-components=1", "-C", directory / "tarball"], check=True)
    subprocess.run(["dpkg-deb", "--extract", package, directory / "package"], check=True)
    subprocess.run([sys.executable, "-m", "venv", directory / "wheel"], check=True)
    pip = [directory / "wheel/bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--no-index", "--find-links", assets, "spotinst-cred"], check=True)
    return {
        "static": directory / "tarball/spotinst-cred",
        "package": directory / "package/usr/bin/spotinst-cred",
        "wheel": directory / "wheel/bin/spotinst-cred",
    }


def install(program, place):
    """Copies the program, as a package manager does. A linker writes in small pieces, which leaves the file fragmented
    in the page cache: it starts slower than a copy that is written sequentially."""
    place.parent.mkdir(exist_ok=True)
    return pathlib.Path(shutil.copy(program, place))


def empty_programs(directory):
    """Builds `fn main() {}` with the release profile of this project, linked like the two builds."""
    manifest = (ROOT / "Cargo.toml").read_text()
    profile = manifest[manifest.index("[profile.release]") :]
    (directory / "empty/src").mkdir(parents=True)
    package = '[package]\nname = "empty"\nedition = "2024"\n\n[workspace]\n\n'
    (directory / "empty/Cargo.toml").write_text(package + profile)
    (directory / "empty/src/main.rs").write_text("fn main() {}\n")
    build = ["cargo", "build", "--release", "--quiet"]
    subprocess.run(build, cwd=directory / "empty", check=True)
    subprocess.run([*build, "--config", ROOT / "contrib/release/static.toml"], cwd=directory / "empty", check=True)
    target = directory / "empty/target"
    return {"empty": target / "release/empty", "empty static": target / STATIC_TARGET / "release/empty"}


def metadata():
    text = subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--locked"], cwd=ROOT, text=True)
    return json.loads(text)


def crates():
    """Returns the number of crates in the program on this platform, including build dependencies."""
    tree = ["cargo", "tree", "--edges", "normal,build", "--prefix", "none", "--no-dedupe"]
    lines = subprocess.check_output(tree, cwd=ROOT, text=True).splitlines()
    return len({" ".join(line.split()[:2]) for line in lines if line}) - 1
