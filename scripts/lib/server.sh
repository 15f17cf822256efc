# Starting, finding and stopping a whirl server: for the other scripts to source. A server has a folder of its own with
# whirl.toml (its key), data/, whirl.log, whirl.pid, url and ready. It builds and installs nothing.
# shellcheck source=scripts/lib/docker.sh
. "$(dirname "${BASH_SOURCE[0]}")/docker.sh"
# shellcheck source=scripts/lib/parts.sh
. "$(dirname "${BASH_SOURCE[0]}")/parts.sh"

# Variables that scripts read; to whirl they would be settings that it does not know.
whirl_script_variables=(WHIRL_ARCH WHIRL_BASE_NODEJS WHIRL_BASE_PYTHON WHIRL_DEBIAN_MIRROR WHIRL_PULL_TIMEOUT
    WHIRL_ACCEPTANCE)

# Throttles of a server that its user alone uses, or a suite: what the user's environment sets lies over them.
whirl_unthrottled=(WHIRL_CONTROLLER__THROTTLES__ACTIONS_PER_MINUTE=2147483647
    WHIRL_CONTROLLER__THROTTLES__TRIGGERS_PER_MINUTE=2147483647
    WHIRL_CONTROLLER__THROTTLES__CONCURRENT_ACTIONS=2147483647)

# whirl_server_pid FOLDER: prints the process id of the folder's server; false when none runs.
whirl_server_pid() { whirl_part_pid "$1" whirl; }

# whirl_server_key FOLDER: prints the key, UUID:KEY, of the folder's server.
whirl_server_key() { sed -n 's/^credentials = "\(.*\)"$/\1/p' "$1/whirl.toml"; }

# whirl_answers URL: true when a whirl server answers there.
whirl_answers() { [ "$(curl -fsS --noproxy '*' -m 5 "$1/ping" 2>/dev/null)" = pong ]; }

# whirl_server_start FOLDER BINARY PORT [ARGUMENTS…]: starts a server and waits until it is ready. Returns non-zero, with
# the end of its log, when that fails.
whirl_server_start() {
    local folder="$1" binary="$2" port="$3" as_root=()
    shift 3
    mkdir -p "$folder"
    # Containers and firewall rules are root's business; plain processes are not.
    case " $* " in
        *" --containers process "*) ;;
        *) as_root=(--root) ;;
    esac
    whirl_server_make_key "$folder"
    rm -f "$folder/ready"
    printf 'http://127.0.0.1:%s\n' "$port" >"$folder/url"
    # sudo clears the environment, hence the settings by name.
    local name settings=("${whirl_unthrottled[@]}")
    for name in $(compgen -e WHIRL_) DOCKER_HOST; do
        case " ${whirl_script_variables[*]} " in
            *" $name "*) ;;
            *) [ -z "${!name:-}" ] || settings+=("$name=${!name}") ;;
        esac
    done
    whirl_part_start "${as_root[@]}" "$folder" whirl env "${whirl_script_variables[@]/#/--unset=}" "${settings[@]}" \
        "$binary" --config "$folder/whirl.toml" --data-dir "$folder/data" --ready-file "$folder/ready" \
        --port "$port" "$@"
    whirl_server_wait "$folder"
}

# whirl_server_make_key FOLDER: writes settings with a random key, if there are none.
whirl_server_make_key() {
    [ -e "$1/whirl.toml" ] && return
    (umask 077 && printf '# Settings of this server; its key is that of the namespace guest.\ncredentials = "%s"\n' \
        "$(whirl_random_credentials)" >"$1/whirl.toml")
}

# whirl_server_wait FOLDER: waits until the server that was just started is ready.
whirl_server_wait() {
    whirl_part_wait "$1" whirl 120 test -s "$1/ready" && return
    [ ! -e "$1/whirl.pid" ] || whirl_server_stop "$1"
    return 1
}

# whirl_server_stop FOLDER: stops the folder's server by SIGTERM and waits until it has drained. Returns non-zero, with
# an explanation, when it does not end or leaves something behind.
whirl_server_stop() {
    local folder="$1" rc=0 left
    whirl_server_pid "$folder" >/dev/null || return 0
    whirl_part_stop "$folder" whirl 100 || rc=1
    rm -f "$folder/ready"
    left="$(whirl_server_leftovers "$folder")"
    [ -n "$left" ] || return "$rc"
    printf 'error: whirl left behind: %s; its messages are in %s\n' "${left//$'\n'/ }" "$folder/whirl.log" >&2
    return 1
}

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
