# shellcheck shell=bash
# Finding, installing and starting Docker Engine: for the other scripts to source. It builds no image.
# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# whirl_docker ARGUMENTS…: runs the docker client, as root where the user may not talk to the daemon.
whirl_docker() {
    if [ -n "${DOCKER_HOST:-}" ] || [ -w /var/run/docker.sock ]; then
        docker "$@"
    else
        whirl_sudo docker "$@"
    fi
}

# whirl_docker_answers: true when there is a client and its daemon answers.
whirl_docker_answers() {
    command -v docker >/dev/null 2>&1 && timeout 20 docker version >/dev/null 2>&1 && return 0
    command -v docker >/dev/null 2>&1 && [ "$(id -u)" -ne 0 ] && sudo -n timeout 20 docker version >/dev/null 2>&1
}

# whirl_need_docker: makes sure that Docker Engine is installed and answers. Returns non-zero, with an
# explanation, where it cannot run.
whirl_need_docker() {
    whirl_docker_answers && return 0
    if ! command -v docker >/dev/null 2>&1 || { [ -z "${DOCKER_HOST:-}" ] && ! command -v dockerd >/dev/null 2>&1 &&
        ! [ -x /usr/sbin/dockerd ]; }; then
        whirl_apt_install docker.io runc containerd iptables || return 1
        whirl_docker_answers && return 0
    fi
    if [ -n "${DOCKER_HOST:-}" ]; then
        printf 'error: no Docker daemon answers at DOCKER_HOST=%s; start it there or unset DOCKER_HOST\n' \
            "$DOCKER_HOST" >&2
        return 1
    fi
    if [ -d /run/systemd/system ]; then
        whirl_say "starting the docker service"
        whirl_sudo systemctl start docker || {
            printf 'error: systemd could not start docker; see: journalctl -u docker\n' >&2
            return 1
        }
    else
        whirl_start_dockerd || return 1
    fi
    whirl_wait_for_docker
}

# Where dockerd's messages go when it is started without systemd.
whirl_dockerd_log="${TMPDIR:-/tmp}/whirl-dockerd.log"

whirl_start_dockerd() {
    whirl_say "starting dockerd in the background (messages in $whirl_dockerd_log)"
    : >"$whirl_dockerd_log" || return 1
    # Its own session, so that it outlives this script and the terminal.
    (whirl_close_inherited && PATH="$PATH:/usr/sbin:/sbin" whirl_sudo setsid dockerd) \
        >"$whirl_dockerd_log" 2>&1 </dev/null &
}

whirl_wait_for_docker() {
    local left=60
    until whirl_docker_answers; do
        left=$((left - 1))
        if [ "$left" -le 0 ]; then
            printf 'error: the Docker daemon does not answer. Its last messages:\n' >&2
            tail -n 5 "$whirl_dockerd_log" >&2 2>/dev/null
            printf 'Docker needs root, cgroups and iptables; inside a container it needs --privileged.\n' >&2
            return 1
        fi
        sleep 0.5
    done
}

# whirl_pull IMAGE: pulls an image; false, within a short time, where no registry answers.
whirl_pull() {
    whirl_say "pulling $1"
    whirl_docker_timeout "${WHIRL_PULL_TIMEOUT:-120}" pull -q "$1" >/dev/null 2>&1
}

whirl_docker_timeout() {
    local seconds="$1"
    shift
    if [ -n "${DOCKER_HOST:-}" ] || [ -w /var/run/docker.sock ]; then
        timeout "$seconds" docker "$@"
    else
        whirl_sudo timeout "$seconds" docker "$@"
    fi
}

# whirl_image_exists IMAGE
whirl_image_exists() { whirl_docker image inspect "$1" >/dev/null 2>&1; }
