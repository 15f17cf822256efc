# shellcheck shell=bash
# Speaking, failing, running as root and installing Debian packages: for the other scripts to source.
# It changes nothing by being sourced.

# whirl_say TEXT…: tells the user what happens.
whirl_say() { printf '==> %s\n' "$*" >&2; }

# whirl_die TEXT…: tells the user what failed and what to do, and ends the script.
whirl_die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# whirl_sudo COMMAND…: runs a command as root; fails with an explanation where that is not possible.
whirl_sudo() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        printf 'error: this needs root, and there is no sudo: %s\n' "$*" >&2
        return 1
    fi
}

# whirl_close_inherited: closes all but the standard streams, for a subshell that starts a daemon. One that kept a pipe of the
# caller's, such as that of `> >(tee log)`, would hold up whoever reads the pipe to its end.
whirl_close_inherited() {
    local fd
    for fd in /proc/self/fd/*; do
        fd="${fd##*/}"
        if [ "$fd" -gt 2 ]; then exec {fd}>&-; fi
    done
}

# whirl_apt_install PACKAGE…: installs those Debian packages that are missing.
whirl_apt_install() {
    local package missing=()
    if ! command -v dpkg-query >/dev/null 2>&1; then
        printf 'error: this is not Debian or Ubuntu; install what corresponds to: %s\n' "$*" >&2
        return 1
    fi
    for package in "$@"; do
        case "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" in
            installed) ;;
            *) missing+=("$package") ;;
        esac
    done
    [ "${#missing[@]}" -eq 0 ] && return 0
    whirl_say "installing by apt: ${missing[*]}"
    if ! whirl_apt_get_install "${missing[@]}"; then
        whirl_say "apt does not know some of them yet; updating its lists"
        if ! whirl_sudo apt-get update -qq >/dev/null || ! whirl_apt_get_install "${missing[@]}"; then
            printf 'error: apt could not install %s; try: apt-get update && apt-get install %s\n' \
                "${missing[*]}" "${missing[*]}" >&2
            return 1
        fi
    fi
}

whirl_apt_get_install() {
    whirl_sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# whirl_retry COMMAND…: runs it up to three times, for what depends on a far server.
whirl_retry() {
    "$@" || { sleep 3 && "$@"; } || { sleep 10 && "$@"; }
}
