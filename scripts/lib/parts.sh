# Programs that go on in the background: for the other scripts to source. Each has a name and, in the folder of its set-up,
# NAME.pid (process id and start time) and NAME.log (NAME.log.1 is that of the run before). It knows no particular program.
# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# whirl_part_start [--root] FOLDER NAME COMMAND…: starts a program that outlives this script and the terminal. It does not
# wait until the program is of use: see whirl_part_wait.
whirl_part_start() {
    local as_root=()
    if [ "$1" = --root ]; then as_root=(whirl_sudo) && shift && whirl_sudo true; fi
    local folder="$1" name="$2"
    shift 2
    mkdir -p "$folder"
    rm -f "$folder/$name.pid"
    [ ! -s "$folder/$name.log" ] || mv -f "$folder/$name.log" "$folder/$name.log.1"
    (
        umask 077
        whirl_close_inherited
        # The shell in between notes its process id, which exec keeps, and when it began, which tells it from a later
        # process of the same number.
        # shellcheck disable=SC2016
        "${as_root[@]}" setsid bash -c \
            'read -ra stat <"/proc/$$/stat" && echo "$$ ${stat[21]}" >"$1" && chmod 644 "$1" && shift && exec "$@"' - \
            "$folder/$name.pid" "$@" >>"$folder/$name.log" 2>&1 </dev/null &
    )
}

# whirl_part_pid FOLDER NAME: prints the process id of a part; false when it does not run.
whirl_part_pid() {
    local pid began fields
    read -r pid began <"$1/$2.pid" || return 1
    # What stands behind the name in parentheses: the state first, the start time as the twentieth.
    read -ra fields < <(sed 's/^.*) //' "/proc/$pid/stat") && [ "${fields[19]:-}" = "$began" ] && [ "${fields[0]}" != Z ] &&
        printf '%s\n' "$pid"
} 2>/dev/null

# whirl_part_wait FOLDER NAME SECONDS CHECK…: waits until the command CHECK is true. Returns non-zero, with the end of the
# log, when the part ends before or the time is over.
whirl_part_wait() {
    local folder="$1" name="$2" seconds="$3" began="$SECONDS"
    shift 3
    until "$@"; do
        # It has a few seconds to show up at all.
        if { [ "$((SECONDS - began))" -ge 3 ] && ! whirl_part_pid "$folder" "$name" >/dev/null; } ||
            [ "$((SECONDS - began))" -ge "$seconds" ]; then
            whirl_part_failed "$folder" "$name"
            return 1
        fi
        sleep 0.1
    done
}

# whirl_part_failed FOLDER NAME: says how a part that is not ready ended, or that it did not.
whirl_part_failed() {
    local state="ended"
    ! whirl_part_pid "$1" "$2" >/dev/null || state="runs, but is not ready"
    printf 'error: %s %s. The end of %s:\n' "$2" "$state" "$1/$2.log" >&2
    tail -n 15 "$1/$2.log" >&2
}

# whirl_part_stop FOLDER NAME [SECONDS]: stops a part by SIGTERM, and by SIGKILL if it has not ended by then (default: 30).
# True when it had not to be killed.
whirl_part_stop() {
    local pid seconds="${3:-30}" began="$SECONDS"
    pid="$(whirl_part_pid "$1" "$2")" || {
        rm -f "$1/$2.pid"
        return 0
    }
    whirl_signal TERM "$pid"
    while whirl_part_pid "$1" "$2" >/dev/null; do
        if [ "$((SECONDS - began))" -ge "$seconds" ]; then
            printf 'error: %s (process %s) did not end within %s s and is killed; its messages are in %s\n' \
                "$2" "$pid" "$seconds" "$1/$2.log" >&2
            whirl_part_kill "$1" "$2" KILL
            return 1
        fi
        sleep 0.1
    done
    rm -f "$1/$2.pid"
}

# whirl_part_kill FOLDER NAME SIGNAL: sends a signal to a part and waits until it has ended.
whirl_part_kill() {
    local pid
    pid="$(whirl_part_pid "$1" "$2")" || return 0
    whirl_signal "$3" "$pid"
    while whirl_part_pid "$1" "$2" >/dev/null; do sleep 0.1; done
    rm -f "$1/$2.pid"
}

# whirl_signal SIGNAL PID: as root where the process is root's.
whirl_signal() { kill -s "$1" "$2" 2>/dev/null || whirl_sudo kill -s "$1" "$2"; }

# whirl_port_is_free PORT
whirl_port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# whirl_port FOLDER NAME FROM: prints the port for a part that is about to start: the one it had, else the first free one of a
# hundred.
whirl_port() {
    local port
    port="$(cat "$1/$2.port" 2>/dev/null)" && whirl_port_is_free "$port" && printf '%s\n' "$port" && return
    for ((port = $3; port < $3 + 100; port++)); do
        # Another part of the set-up may have been given it and not be running.
        if whirl_port_is_free "$port" && ! cat "$1"/*.port 2>/dev/null | grep -qx "$port"; then
            printf '%s\n' "$port" | tee "$1/$2.port"
            return
        fi
    done
    printf 'error: no free port from %s to %s for %s; stop what listens there\n' "$3" "$(($3 + 99))" "$2" >&2
    return 1
}

# whirl_random LENGTH: prints as many random letters and digits.
whirl_random() {
    local text
    text="$(head -c "$(($1 * 16))" /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9')"
    printf '%s\n' "${text:0:$1}"
}

# whirl_random_credentials: prints a new key, UUID:KEY.
whirl_random_credentials() { printf '%s:%s\n' "$(cat /proc/sys/kernel/random/uuid)" "$(whirl_random 64)"; }
