# Starting, finding and stopping a whirl server: for the other scripts to source. A server has a folder of its own with
# whirl.toml (its key), data/, whirl.log, whirl.pid, url and ready. It builds and installs nothing.
# shellcheck source=scripts/lib/docker.sh
. "$(dirname "${BASH_SOURCE[0]}")/docker.sh"

# Variables that scripts read; to whirl they would be settings that it does not know.
whirl_script_variables=(WHIRL_ARCH WHIRL_BASE_NODEJS WHIRL_BASE_PYTHON WHIRL_DEBIAN_MIRROR WHIRL_PULL_TIMEOUT
    WHIRL_ACCEPTANCE)

# whirl_server_pid FOLDER: prints the process id of the folder's server; false when none runs.
whirl_server_pid() {
    local pid status
    pid="$(cat "$1/whirl.pid" 2>/dev/null)" && status="$(head -n 3 "/proc/$pid/status" 2>/dev/null)" || return 1
    # Another program may have its number by now, and one that ended may wait to be collected.
    [[ "$status" =~ ^Name:[[:space:]]+whirl$'\n' ]] && ! [[ "$status" =~ State:[[:space:]]+Z ]] && printf '%s\n' "$pid"
}

# whirl_server_key FOLDER: prints the key, UUID:KEY, of the folder's server.
whirl_server_key() { sed -n 's/^credentials = "\(.*\)"$/\1/p' "$1/whirl.toml"; }

# whirl_answers URL: true when a whirl server answers there.
whirl_answers() { [ "$(curl -fsS --noproxy '*' -m 5 "$1/ping" 2>/dev/null)" = pong ]; }

# whirl_port_is_free PORT
whirl_port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# whirl_server_start FOLDER BINARY PORT [ARGUMENTS…]: starts a server and waits until it is ready. Returns non-zero, with
# the end of its log, when that fails.
whirl_server_start() {
    local folder="$1" binary="$2" port="$3" as_root=()
    shift 3
    mkdir -p "$folder"
    # Containers and firewall rules are root's business; plain processes are not.
    case " $* " in
        *" --containers process "*) ;;
        *) as_root=(whirl_sudo) && whirl_sudo true ;;
    esac
    whirl_server_make_key "$folder"
    rm -f "$folder/ready" "$folder/whirl.pid"
    printf 'http://127.0.0.1:%s\n' "$port" >"$folder/url"
    (
        unset "${whirl_script_variables[@]}"
        umask 077
        whirl_close_inherited
        # sudo clears the environment, hence the settings by name. setsid lets the server outlive this terminal. The
        # shell in between notes its process id, which exec keeps.
        settings=()
        for name in $(compgen -e WHIRL_) DOCKER_HOST; do
            [ -z "${!name:-}" ] || settings+=("$name=${!name}")
        done
        # shellcheck disable=SC2016
        "${as_root[@]}" env "${settings[@]}" setsid bash -c \
            'echo "$$" >"$1" && chmod 644 "$1" && shift && exec "$@"' - "$folder/whirl.pid" \
            "$binary" --config "$folder/whirl.toml" --data-dir "$folder/data" --ready-file "$folder/ready" \
            --port "$port" "$@" >>"$folder/whirl.log" 2>&1 </dev/null &
    )
    whirl_server_wait "$folder"
}

# whirl_server_make_key FOLDER: writes settings with a random key, if there are none.
whirl_server_make_key() {
    local uuid key
    [ -e "$1/whirl.toml" ] && return
    uuid="$(cat /proc/sys/kernel/random/uuid)"
    key="$(head -c 512 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9')"
    (umask 077 && printf '# Settings of this server; its key is that of the namespace guest.\ncredentials = "%s:%s"\n' \
        "$uuid" "${key:0:64}" >"$1/whirl.toml")
}

# whirl_server_wait FOLDER: waits until the server that was just started is ready.
whirl_server_wait() {
    local folder="$1" tries=0 pid=
    until [ -s "$folder/ready" ]; do
        tries=$((tries + 1))
        pid="$(whirl_server_pid "$folder")" || pid=
        # It has five seconds to show up at all, and two minutes to be ready.
        if [ "$tries" -ge 600 ] || { [ "$tries" -ge 25 ] && [ -z "$pid" ]; }; then
            printf 'error: whirl is not ready. The end of %s:\n' "$folder/whirl.log" >&2
            tail -n 15 "$folder/whirl.log" >&2
            [ -z "$pid" ] || whirl_server_stop "$folder"
            return 1
        fi
        sleep 0.2
    done
}

# whirl_server_stop FOLDER: stops the folder's server by SIGTERM and waits until it has drained. Returns non-zero, with
# an explanation, when it does not end or leaves something behind.
whirl_server_stop() {
    local folder="$1" pid tries=0 left
    pid="$(whirl_server_pid "$folder")" || return 0
    whirl_signal TERM "$pid"
    while whirl_server_pid "$folder" >/dev/null; do
        tries=$((tries + 1))
        if [ "$tries" -ge 1000 ]; then
            printf 'error: whirl (process %s) did not end within 100 s; see %s, then: kill -9 %s\n' \
                "$pid" "$folder/whirl.log" "$pid" >&2
            return 1
        fi
        sleep 0.1
    done
    rm -f "$folder/whirl.pid" "$folder/ready"
    left="$(whirl_server_leftovers "$folder")"
    [ -z "$left" ] && return 0
    printf 'error: whirl left behind: %s; its messages are in %s\n' "${left//$'\n'/ }" "$folder/whirl.log" >&2
    return 1
}

# whirl_signal SIGNAL PID: as root where the process is root's.
whirl_signal() { kill -s "$1" "$2" 2>/dev/null || whirl_sudo kill -s "$1" "$2"; }

# whirl_server_leftovers FOLDER: prints the containers and the process folders of the folder's server. Its containers are
# those that were told to call back to its port.
whirl_server_leftovers() {
    local port
    port="$(sed 's/.*://' "$1/url")"
    [ ! -d "$1/data/processes" ] || find "$1/data/processes" -maxdepth 1 -name 'container-*'
    command -v docker >/dev/null 2>&1 || return 0
    # A container may go between the two commands; that is no failure.
    whirl_docker ps -aq --filter label=whirl.owner 2>/dev/null | while read -r id; do
        whirl_docker inspect -f '{{.Name}}{{range .Config.Env}} {{.}}{{end}} ' "$id" 2>/dev/null || true
    done | sed -nE "s#^/([^ ]+) .*__OW_API_HOST=http://[^ ]*:$port .*#\\1#p"
}
