# Finding and installing what Whirl is built with: for the other scripts to source. It installs nothing by being
# sourced and builds no part of Whirl.
# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

whirl_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

# whirl_target_dir: prints cargo's target directory as an absolute path.
whirl_target_dir() {
    case "${CARGO_TARGET_DIR:-}" in
        "") printf '%s\n' "$whirl_root/target" ;;
        /*) printf '%s\n' "$CARGO_TARGET_DIR" ;;
        *) printf '%s\n' "$whirl_root/$CARGO_TARGET_DIR" ;;
    esac
}

# whirl_has COMMAND: true when it is on the PATH or where Debian keeps root's programs.
whirl_has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }

# whirl_missing COMMAND[=PACKAGE]…: prints, one a line, the Debian packages of those commands that are missing.
whirl_missing() {
    local pair
    for pair in "$@"; do
        whirl_has "${pair%%=*}" || printf '%s\n' "${pair#*=}"
    done
}

# whirl_missing_build_packages: prints the Debian packages that building Whirl needs and that are missing.
whirl_missing_build_packages() {
    whirl_missing gcc g++ make pkg-config curl
    [ -e /etc/ssl/certs/ca-certificates.crt ] || printf 'ca-certificates\n'
}

# whirl_missing_cluster_packages: prints those that building for a cluster needs besides, for the clients of Kafka and etcd.
whirl_missing_cluster_packages() {
    whirl_missing protoc=protobuf-compiler
    [ -e /usr/include/google/protobuf/empty.proto ] || printf 'libprotobuf-dev\n'
    [ -e /usr/include/openssl/ssl.h ] || printf 'libssl-dev\n'
}

# whirl_has_cargo: true when there is a cargo; one that rustup put into its own folder is added to the PATH.
whirl_has_cargo() {
    local rustup_bin="${CARGO_HOME:-$HOME/.cargo}/bin"
    if ! command -v cargo >/dev/null 2>&1 && [ -x "$rustup_bin/cargo" ]; then
        PATH="$rustup_bin:$PATH"
        export PATH
    fi
    command -v cargo >/dev/null 2>&1
}

# whirl_need_rust: makes sure that there is a Rust that builds Whirl, or ends the script.
whirl_need_rust() {
    whirl_has_cargo || whirl_install_rustup
    local wanted found
    wanted="$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$whirl_root/rust-toolchain.toml")"
    # Where rustup is, this also fetches the version that rust-toolchain.toml names.
    found="$(cd "$whirl_root" && rustc --version | cut -d' ' -f2)" || found=
    whirl_version_at_least "${found:-0}" "$wanted" && return 0
    if whirl_use_installed_toolchain "$wanted"; then return 0; fi
    command -v rustup >/dev/null 2>&1 ||
        whirl_die "Whirl needs Rust $wanted or newer, and this is ${found:-unknown}; install rustup, see https://rustup.rs"
    whirl_die "Whirl needs Rust $wanted or newer, which could not be fetched; try: rustup toolchain install $wanted"
}

# whirl_version_at_least VERSION LEAST
whirl_version_at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# whirl_use_installed_toolchain LEAST: picks an installed toolchain where the pinned one cannot be fetched.
whirl_use_installed_toolchain() {
    local name version
    command -v rustup >/dev/null 2>&1 || return 1
    while read -r name _; do
        version="$(rustup run "$name" rustc --version 2>/dev/null | cut -d' ' -f2)" || continue
        whirl_version_at_least "${version:-0}" "$1" || continue
        whirl_say "Rust $1 could not be fetched; using the toolchain $name, which is $version"
        export RUSTUP_TOOLCHAIN="$name"
        return 0
    done < <(rustup toolchain list)
    return 1
}

whirl_install_rustup() {
    if LC_ALL=C apt-cache policy rustup 2>/dev/null | grep -q 'Candidate: [^(]'; then
        whirl_apt_install rustup && whirl_has_cargo && return 0
    fi
    whirl_say "installing Rust with rustup into ${CARGO_HOME:-$HOME/.cargo}"
    if curl --proto '=https' --tlsv1.2 -fsS https://sh.rustup.rs |
        sh -s -- -y --quiet --no-modify-path --profile minimal --default-toolchain none && whirl_has_cargo; then
        return 0
    fi
    whirl_die "rustup could not be installed; install Rust as https://rustup.rs tells, then start this again"
}
