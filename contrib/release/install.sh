#!/bin/sh
# Installs spotinst-cred for Linux from a release on GitHub. It needs no root, and curl or wget.
#
#     curl -fsSL https://github.com/spotinst-cred/spotinst-cred/releases/latest/download/install.sh | sh
#     … | sh -s -- --version 1.2.3 --to /usr/local/bin
#
# To uninstall it, remove that file.
set -eu

releases=https://github.com/spotinst-cred/spotinst-cred/releases
usage="usage: install.sh [--version VERSION] [--to DIRECTORY] [--from URL]
  --version VERSION  this release; otherwise the latest one
  --to DIRECTORY     where to put the program; otherwise ~/.local/bin
  --from URL         a mirror: the directory that holds the release's files"

main() {
    version='' from='' to=''
    while [ $# -gt 0 ]; do
        case $1 in
            --help) echo "$usage" && return ;;
            --version | --to | --from) [ $# -ge 2 ] || fail "$1 needs a value" ;;
            *) fail "unknown option $1
$usage" ;;
        esac
        case $1 in
            --version) version=${2#v} ;;
            --to) to=$2 ;;
            --from) from=$2 ;;
        esac
        shift 2
    done
    to=${to:-${HOME:?}/.local/bin}
    if [ -z "$from" ]; then
        from=$releases/latest/download
        [ -z "$version" ] || from=$releases/download/v$version
    fi

    scratch=$(mktemp -d)
    new=''
    trap 'rm -rf "$scratch" ${new:+"$new"}' EXIT
    trap 'exit 1' HUP INT TERM
    download SHA256SUMS
    file=$(tarball_of_this_machine)
    download "$file"
    check "$file"
    tar -xzf "$scratch/$file" -C "$scratch"
    put "$scratch/${file%.tar.gz}/spotinst-cred"
}

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

# Only https, also after a redirect, except from this machine.
download() {
    case $from in
        https://* | http://127.0.0.1:*) ;;
        *) fail "$from is not an https URL" ;;
    esac
    protocol=${from%%:*}
    if command -v curl >/dev/null; then
        curl --proto "=$protocol" -fsSL --retry 3 -o "$scratch/$1" "$from/$1"
    elif command -v wget >/dev/null; then
        wget -q -O "$scratch/$1" "$from/$1"
    else
        fail "neither curl nor wget is installed"
    fi || fail "cannot download $from/$1"
}

# The name is in the list of checksums: the latest version need not be known.
tarball_of_this_machine() {
    system=$(uname -s) machine=$(uname -m)
    case $system-$machine in
        Linux-x86_64 | Linux-amd64) platform=x86_64-linux ;;
        Linux-aarch64 | Linux-arm64) platform=aarch64-linux ;;
        *) fail "there is no program for $system on $machine
hint: with Rust, run: cargo install spotinst-cred" ;;
    esac
    found=$(sed -n "s/^[0-9a-f]\{64\}  \(spotinst-cred-[^/]*-$platform\.tar\.gz\)\$/\1/p" "$scratch/SHA256SUMS")
    [ -n "$found" ] || fail "$from has no program for $platform"
    [ -z "$version" ] || [ "$found" = "spotinst-cred-$version-$platform.tar.gz" ] ||
        fail "$from has $found, not $version"
    echo "$found"
}

check() {
    if command -v sha256sum >/dev/null; then
        found=$(sha256sum <"$scratch/$1")
    elif command -v shasum >/dev/null; then
        found=$(shasum -a 256 <"$scratch/$1")
    else
        fail "neither sha256sum nor shasum is installed"
    fi
    grep -qxF "${found%% *}  $1" "$scratch/SHA256SUMS" || fail "wrong checksum: $from/$1
hint: try again; if it fails again, the file was changed on its way"
}

# Beside its place first: a call that starts meanwhile gets the old program or the new one.
put() {
    new=$to/.spotinst-cred.new.$$
    { mkdir -p "$to" && cp "$1" "$new" && chmod 755 "$new"; } || fail "cannot write to $to"
    installed=$("$new" --version) || fail "the program does not run in $to"
    mv -f "$new" "$to/spotinst-cred" || fail "cannot write to $to"
    echo "installed $installed as $to/spotinst-cred"
    case :$PATH: in
        *:"$to":*) ;;
        *) echo "hint: add $to to PATH" ;;
    esac
}

# The last line: of a script that is cut off on its way, nothing runs.
main "$@"
