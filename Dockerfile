# Images of Whirl's programs: `docker build --target controller|invoker|standalone .`. Action images are made by
# scripts/images. No image holds a key, a password or a setting of any one place.
ARG RUST_IMAGE=rust:1.95-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS source
WORKDIR /src
COPY . .

FROM source AS cluster-build
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ libprotobuf-dev libssl-dev make pkg-config protobuf-compiler \
    && rm -rf /var/lib/apt/lists/*
RUN cargo build --locked --release -p whirl-controller -p whirl-invoker \
        --features whirl-controller/cluster,whirl-invoker/cluster \
    && mkdir /out && cp target/release/whirl-controller target/release/whirl-invoker /out/

# Built by itself: it needs none of the cluster's libraries.
FROM source AS standalone-build
RUN cargo build --locked --release -p whirl-standalone && mkdir /out && cp target/release/whirl /out/

# curl asks the admin port how the process is.
FROM ${BASE_IMAGE} AS base
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 65532 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin whirl
STOPSIGNAL SIGTERM

FROM base AS controller
COPY --from=cluster-build /out/whirl-controller /usr/local/bin/
USER 65532:65532
EXPOSE 3233
ENTRYPOINT ["whirl-controller"]

# Root, as it talks to the host's Docker and sets the firewall around actions; it wants the host's network.
FROM base AS host
RUN apt-get update \
    && apt-get install -y --no-install-recommends iptables \
    && rm -rf /var/lib/apt/lists/*

FROM host AS invoker
COPY --from=cluster-build /out/whirl-invoker /usr/local/bin/
ENTRYPOINT ["whirl-invoker"]

FROM host AS standalone
COPY --from=standalone-build /out/whirl /usr/local/bin/
VOLUME /var/lib/whirl
EXPOSE 3233
ENTRYPOINT ["whirl", "--data-dir", "/var/lib/whirl"]
