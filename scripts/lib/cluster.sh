# The parts of the cluster that scripts/cluster runs: for scripts to source, after docker.sh and servers.sh. The folder
# is a set-up as in parts.sh and servers.sh, with credentials, server.key, admin.key, the cluster's name, and NAME.toml and NAME.ready per
# program of ours. It builds nothing.

whirl_cluster_mark=.whirl-cluster
whirl_programs=(controller0 controller1 invoker0 invoker1)
whirl_parts=("${whirl_servers[@]}" "${whirl_programs[@]}")

# whirl_is_part NAME
whirl_is_part() { [[ -n "$1" && " ${whirl_parts[*]} " == *" $1 "* ]]; }

# whirl_cluster_prepare FOLDER: makes the key that all programs share, the administrator's and the credentials of guest, once, and
# gives out ports.
whirl_cluster_prepare() {
    local folder="$1" number
    [ -s "$folder/server.key" ] || (umask 077 && head -c 32 /dev/urandom >"$folder/server.key")
    # Invokers of one name in one cluster would take each other's containers for their own.
    [ -s "$folder/cluster" ] || printf 'whirl-%s\n' "$(cksum <<<"$folder" | cut -d' ' -f1)" >"$folder/cluster"
    [ -s "$folder/admin.key" ] || (umask 077 && whirl_random 64 >"$folder/admin.key")
    [ -s "$folder/credentials" ] || (umask 077 && whirl_random_credentials >"$folder/credentials")
    for number in 0 1; do
        if ! whirl_part_pid "$folder" "controller$number"; then
            whirl_port "$folder" "controller$number" "$((3233 + number))" || return 1
            whirl_port "$folder" "controller$number-gateway" "$((3243 + number))" || return 1
            whirl_port "$folder" "controller$number-admin" "$((4233 + number))" || return 1
        fi
        whirl_part_pid "$folder" "invoker$number" || whirl_port "$folder" "invoker$number-admin" "$((4333 + number))" || return 1
    done >/dev/null
}

# whirl_program NAME: prints the program that a part is.
whirl_program() { printf '%s/release/whirl-%s\n' "$(whirl_target_dir)" "${1%%[0-9]*}"; }

# whirl_program_is_current FOLDER NAME: true when it runs, has not been built anew since, and has the settings that it would get.
whirl_program_is_current() {
    whirl_part_pid "$1" "$2" >/dev/null && ! [ "$(whirl_program "$2")" -nt "$1/$2.pid" ] &&
        whirl_program_settings "$1" "$2" | cmp -s - "$1/$2.toml"
}

# whirl_program_start FOLDER NAME: starts a program; one that runs is stopped first.
whirl_program_start() {
    local folder="$1" name="$2" as_root=() environment=()
    whirl_part_stop "$folder" "$name" 120 || return 1
    # Containers and the firewall around them are root's business.
    [[ "$name" = controller* ]] || as_root=(--root)
    mapfile -t environment < <(whirl_program_environment "$name")
    (umask 077 && whirl_program_settings "$folder" "$name" >"$folder/$name.toml")
    whirl_part_start "${as_root[@]}" "$folder" "$name" env "${environment[@]}" "$(whirl_program "$name")" \
        --config "$folder/$name.toml" --ready-file "$folder/$name.ready"
}

# whirl_program_environment NAME: prints arguments of env(1): of the caller's WHIRL_ variables a program gets those that are its
# own, as it refuses settings that it does not know. sudo clears the environment, hence each by name.
whirl_program_environment() {
    local variable
    for variable in $(compgen -e WHIRL_); do printf -- '--unset=%s\n' "$variable"; done
    for variable in $(compgen -e WHIRL_) DOCKER_HOST; do
        [ -n "${!variable:-}" ] || continue
        case "$1 $variable" in
            *" WHIRL_LOG" | *" WHIRL_LOG_FORMAT" | "controller"*" WHIRL_CONTROLLER__"* | "controller"*" WHIRL_MEMBER__"* | \
                "invoker"*" DOCKER_HOST" | "invoker"*" WHIRL_INVOKER__"* | "invoker"*" WHIRL_HEARTBEAT__"* | \
                "invoker"*" WHIRL_DOCKER__"*)
                printf '%s=%s\n' "$variable" "${!variable}"
                ;;
        esac
    done
}

# whirl_program_settings FOLDER NAME: prints a program's settings, in TOML.
whirl_program_settings() {
    local folder="$1" name="$2"
    cat <<END
# Settings of $name, written by scripts/cluster at each start.
name = "$name"
cluster = "$(cat "$folder/cluster")"
server_key_file = "$folder/server.key"
admin_port = $(cat "$folder/$name-admin.port")
END
    case "$name" in
        controller*)
            printf 'port = %s\nlisten_also = "%s"\ncredentials = "%s"\n' "$(cat "$folder/$name.port")" \
                "$(whirl_bridge_address)" "$(cat "$folder/credentials")"
            printf 'gateway_port = %s\nadmin_key_file = "%s"\n' "$(cat "$folder/$name-gateway.port")" "$folder/admin.key"
            ;;
        invoker*) printf 'api_host = "http://%s:%s"\n' "$(whirl_bridge_address)" "$(cat "$folder/controller0.port")" ;;
    esac
    cat <<END

[couchdb]
url = "http://$(whirl_server_address "$folder" couchdb)"
user = "admin"
password = "$(cat "$folder/couchdb.password")"

[kafka]
brokers = "$(whirl_server_address "$folder" kafka)"

[etcd]
endpoints = "http://$(whirl_server_address "$folder" etcd)"
END
    [[ "$name" != controller* ]] || cat <<END

# One user's machine: nothing but the machine holds the user back.
[controller.throttles]
actions_per_minute = 2147483647
triggers_per_minute = 2147483647
concurrent_actions = 2147483647
END
}

# whirl_bridge_address: prints this machine's address on Docker's own bridge, where containers reach it.
whirl_bridge_address() {
    local address
    address="$(whirl_docker network inspect bridge -f '{{range .IPAM.Config}}{{.Gateway}}{{end}}')" || address=
    printf '%s\n' "${address:-172.17.0.1}"
}

# whirl_admin FOLDER NAME PATH: prints what a program's admin port answers, be it good or bad.
whirl_admin() { curl -sS --noproxy '*' -m 5 "http://$(whirl_server_address "$1" "$2-admin")/$3" 2>/dev/null; }

# whirl_is_ready FOLDER NAME: true when a part does its work.
whirl_is_ready() {
    case "$2" in
        controller* | invoker*) whirl_part_pid "$1" "$2" >/dev/null && [[ "$(whirl_admin "$1" "$2" ready)" == *'"ready":true'* ]] ;;
        *) "whirl_$2_answers" "$1" ;;
    esac
}

# whirl_reason FOLDER NAME: prints why a part that runs is not ready.
whirl_reason() {
    local answer=
    case "$2" in
        controller* | invoker*) answer="$(whirl_admin "$1" "$2" ready)" || answer= ;;
    esac
    answer="${answer#*\"reasons\":}"
    answer="${answer%\}}"
    printf '%s\n' "${answer:-no answer; see $1/$2.log}"
}

# whirl_invokers_seen FOLDER: waits until every controller sees every invoker up.
whirl_invokers_seen() {
    local name tries=0
    for name in controller0 controller1; do
        until [[ "$(whirl_admin "$1" "$name" invokers/ready)" == *'"healthy":"2/2"'* ]]; do
            tries=$((tries + 1))
            [ "$tries" -lt 300 ] || return 1
            sleep 0.1
        done
    done
}

# whirl_cluster_sweep FOLDER: removes what invokers that were killed left on this machine: containers, networks, firewall rules.
whirl_cluster_sweep() {
    local ready owner rc=0
    for ready in "$1"/invoker*.ready; do
        owner="$(sed -nE 's/.*"owner": ?"([^"]+)".*/\1/p' "$ready" 2>/dev/null)"
        [ -z "$owner" ] || whirl_sweep_owner "$owner" || rc=1
    done
    return "$rc"
}

# whirl_sweep_owner OWNER: removes the containers, the network and the chain of one invoker.
whirl_sweep_owner() {
    local id parent rule
    for id in $(whirl_docker ps -aq --filter "label=whirl.owner=$1"); do
        # A frozen one does not take its end.
        whirl_docker unpause "$id" >/dev/null 2>&1 || true
        whirl_docker rm -f "$id" >/dev/null || return 1
    done
    for id in $(whirl_docker network ls -q --filter "label=whirl.owner=$1"); do
        whirl_docker network rm "$id" >/dev/null || return 1
    done
    whirl_iptables -S "WHIRL-$1" >/dev/null 2>&1 || return 0
    for parent in INPUT DOCKER-USER; do
        whirl_iptables -S "$parent" 2>/dev/null | grep -e "-j WHIRL-$1\$" | while read -r _ _ rule; do
            # A rule is several words.
            # shellcheck disable=SC2086
            whirl_iptables -D "$parent" $rule
        done
    done
    whirl_iptables -F "WHIRL-$1" && whirl_iptables -X "WHIRL-$1"
}

whirl_iptables() { whirl_sudo env PATH="$PATH:/usr/sbin:/sbin" iptables --wait "$@"; }
