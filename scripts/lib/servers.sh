# The servers that a cluster leans on, on this machine's loopback: Kafka (one KRaft node), etcd, and a server of CouchDB's HTTP
# API. For the other scripts to source: installing, starting, stopping. It is for trying and testing: nothing is replicated,
# Kafka and etcd ask for no password, and the CouchDB API is pouchdb-server's, as CouchDB itself is in no Debian.
#
# A set-up is a folder: NAME.pid, NAME.log and NAME.port as in parts.sh, NAME/ with settings and data, and couchdb.password.
# shellcheck source=scripts/lib/build.sh
. "$(dirname "${BASH_SOURCE[0]}")/build.sh"
# shellcheck source=scripts/lib/parts.sh
. "$(dirname "${BASH_SOURCE[0]}")/parts.sh"

whirl_cache="${XDG_CACHE_HOME:-$HOME/.cache}/whirl"
whirl_kafka_version=4.0.0
whirl_kafka_jars="$whirl_cache/kafka-$whirl_kafka_version"
whirl_pouchdb="$whirl_cache/pouchdb-server"
whirl_servers=(kafka etcd couchdb)

# ---- installing ----------------------------------------------------------------------------------------------

# whirl_missing_server_packages: prints the Debian packages that are missing to install and run the servers.
whirl_missing_server_packages() {
    whirl_missing java=default-jre-headless etcd=etcd-server node=nodejs curl
    [ -d "$whirl_kafka_jars" ] || whirl_missing mvn=maven
    [ -d "$whirl_pouchdb" ] || whirl_missing npm
}

# whirl_missing_server_downloads: prints, in words, what is fetched that is no Debian package.
whirl_missing_server_downloads() {
    [ -d "$whirl_kafka_jars" ] || printf 'Kafka %s (50 MB, by Maven, into %s)\n' "$whirl_kafka_version" "$whirl_kafka_jars"
    [ -d "$whirl_pouchdb" ] || printf 'pouchdb-server 4.2 (45 MB, by npm, into %s)\n' "$whirl_pouchdb"
}

# whirl_fetch_servers: fetches what is no Debian package. Returns non-zero, with an explanation, when it cannot.
whirl_fetch_servers() {
    whirl_check_java || return 1
    [ -d "$whirl_kafka_jars" ] || whirl_fetch kafka "$whirl_kafka_jars" whirl_fetch_kafka || return 1
    [ -d "$whirl_pouchdb" ] || whirl_fetch pouchdb-server "$whirl_pouchdb" whirl_fetch_pouchdb
}

whirl_check_java() {
    local major
    major="$(java -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p' | head -n 1)"
    [ "${major:-0}" -ge 17 ] && return 0
    printf 'error: Kafka needs Java 17 or newer, and java is %s; try: apt-get install openjdk-17-jre-headless\n' \
        "${major:-missing}" >&2
    return 1
}

# whirl_fetch NAME FOLDER COMMAND: has a command fill a new folder, and lets FOLDER be it once all is there.
whirl_fetch() {
    local new log="$whirl_cache/$1.log"
    mkdir -p "$whirl_cache"
    new="$(mktemp -d "$whirl_cache/$1.XXXXXX")"
    whirl_say "fetching $1 (messages in $log)"
    if ! whirl_retry "$3" "$new" >"$log" 2>&1; then
        rm -rf "$new"
        printf 'error: %s could not be fetched. The end of %s:\n' "$1" "$log" >&2
        tail -n 8 "$log" >&2
        return 1
    fi
    # Another script may have been quicker.
    mv -T "$new" "$2" 2>/dev/null || rm -rf "$new"
    [ -d "$2" ]
}

whirl_fetch_kafka() {
    cat >"$1/pom.xml" <<END
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>whirl</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>$whirl_kafka_version</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka-tools</artifactId>
      <version>$whirl_kafka_version</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
END
    mvn --batch-mode --no-transfer-progress --file "$1/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$1"
}

# What is compiled at installation is only for storage that is not used here.
whirl_fetch_pouchdb() {
    npm install --no-audit --no-fund --ignore-scripts --loglevel=error --prefix "$1" pouchdb-server@4.2
}

# ---- starting ------------------------------------------------------------------------------------------------

# whirl_servers_start FOLDER memory|disk: starts those servers that do not run, and waits until all answer. Where
# the CouchDB API keeps its data is chosen; Kafka and etcd always use the disk. Returns non-zero, with an explanation, when one
# does not come up.
whirl_servers_start() {
    local folder="$1" name rc=0
    mkdir -p "$folder"
    for name in "${whirl_servers[@]}"; do
        whirl_part_pid "$folder" "$name" >/dev/null || "whirl_${name}_launch" "$folder" "$2" || return 1
    done
    for name in "${whirl_servers[@]}"; do
        whirl_part_wait "$folder" "$name" 90 "whirl_${name}_answers" "$folder" || rc=1
    done
    return "$rc"
}

# whirl_servers_stop FOLDER: stops all of them, and says so where one had to be killed.
whirl_servers_stop() {
    local name rc=0
    for name in "${whirl_servers[@]}"; do whirl_part_stop "$1" "$name" || rc=1; done
    return "$rc"
}

# whirl_server_address FOLDER NAME: prints where a server listens, HOST:PORT.
whirl_server_address() { printf '127.0.0.1:%s\n' "$(cat "$1/$2.port")"; }

# whirl_kafka_launch FOLDER: one node that is broker and controller, with a heap for a few topics.
whirl_kafka_launch() {
    local folder="$1" port controller java
    java=(java -cp "$whirl_kafka_jars/*" -Dorg.slf4j.simpleLogger.showDateTime=true
        -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS -Dorg.slf4j.simpleLogger.defaultLogLevel=warn)
    port="$(whirl_port "$folder" kafka 9092)" && controller="$(whirl_port "$folder" kafka-controller 9192)" || return 1
    mkdir -p "$folder/kafka"
    whirl_kafka_properties "$folder/kafka/data" "$port" "$controller" >"$folder/kafka/server.properties"
    if ! [ -e "$folder/kafka/data/meta.properties" ]; then
        "${java[@]}" -XX:TieredStopAtLevel=1 kafka.tools.StorageTool format --cluster-id "$(whirl_random 21)A" \
            --config "$folder/kafka/server.properties" >"$folder/kafka/format.log" 2>&1 || {
            printf 'error: Kafka cannot make its storage; see %s\n' "$folder/kafka/format.log" >&2
            return 1
        }
    fi
    whirl_part_start "$folder" kafka "${java[@]}" -Xms128m -Xmx320m -XX:+UseSerialGC \
        -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info kafka.Kafka "$folder/kafka/server.properties"
}

# whirl_kafka_properties DATA PORT CONTROLLER_PORT: topics are made by who owns them, with one partition.
whirl_kafka_properties() {
    cat <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$3
listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$3
advertised.listeners=PLAINTEXT://127.0.0.1:$2
controller.listener.names=CONTROLLER
log.dirs=$1
num.partitions=1
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=1000
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=4194304
END
}

whirl_kafka_answers() {
    whirl_part_pid "$1" kafka >/dev/null && grep -q 'Kafka Server started' "$1/kafka.log" 2>/dev/null
}

# whirl_etcd_launch FOLDER
whirl_etcd_launch() {
    local folder="$1" port peers
    port="$(whirl_port "$folder" etcd 12379)" && peers="$(whirl_port "$folder" etcd-peers 12479)" || return 1
    (umask 077 && mkdir -p "$folder/etcd")
    whirl_part_start "$folder" etcd etcd --name whirl --data-dir "$folder/etcd" \
        --listen-client-urls "http://127.0.0.1:$port" --advertise-client-urls "http://127.0.0.1:$port" \
        --listen-peer-urls "http://127.0.0.1:$peers" --initial-advertise-peer-urls "http://127.0.0.1:$peers" \
        --initial-cluster "whirl=http://127.0.0.1:$peers" \
        --auto-compaction-mode=periodic --auto-compaction-retention=1h
}

whirl_etcd_answers() {
    whirl_part_pid "$1" etcd >/dev/null &&
        curl -fsS --noproxy '*' -m 2 "http://$(whirl_server_address "$1" etcd)/health" 2>/dev/null | grep -q '"true"'
}

# whirl_couchdb_launch FOLDER memory|disk: its administrator is `admin`, with the password in couchdb.password.
whirl_couchdb_launch() {
    local folder="$1" port storage=(--in-memory)
    port="$(whirl_port "$folder" couchdb 15984)" || return 1
    [ "$2" = memory ] || storage=(--dir "$folder/couchdb/data")
    mkdir -p "$folder/couchdb/data"
    [ -s "$folder/couchdb.password" ] || (umask 077 && whirl_random 40 >"$folder/couchdb.password")
    [ -s "$folder/couchdb/config.json" ] || (
        umask 077
        printf '{"admins":{"admin":"%s"},"log":{"file":"%s","level":"warning"}}\n' \
            "$(cat "$folder/couchdb.password")" "$folder/couchdb/messages.log" >"$folder/couchdb/config.json"
    )
    whirl_part_start "$folder" couchdb node "$whirl_pouchdb/node_modules/pouchdb-server/bin/pouchdb-server" \
        --host 127.0.0.1 --port "$port" --config "$folder/couchdb/config.json" --no-stdout-logs "${storage[@]}"
}

whirl_couchdb_answers() {
    whirl_part_pid "$1" couchdb >/dev/null &&
        curl -fsS --noproxy '*' -m 5 -o /dev/null "http://$(whirl_server_address "$1" couchdb)/" 2>/dev/null
}
