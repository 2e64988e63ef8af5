# Weir as a container: nothing in it but the program, the shared libraries it needs, and the
# certificate authorities. It runs as a user without rights and has no shell.
#
#   docker build -t weir .
#   docker run --rm -p 8080:8080 weir
#   docker run --rm -p 8080:8080 -v ./config.toml:/etc/weir/config.toml:ro -v weir-data:/var/lib/weir weir
#
# `bin/image` builds the same file without a daemon or a registry.

ARG SWIFT_IMAGE=swift:6.3-bookworm

FROM ${SWIFT_IMAGE} AS build
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        libcurl4-openssl-dev libssl-dev libsqlite3-dev node-llhttp zlib1g-dev libbrotli-dev libzstd-dev libhiredis-dev \
        pkg-config git ca-certificates binutils \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Modules Modules
COPY Sources Sources
COPY Tests Tests
COPY Benchmarks Benchmarks
RUN swift build -c release --static-swift-stdlib --product weir \
    && strip -o /weir "$(swift build -c release --static-swift-stdlib --show-bin-path)/weir"
COPY bin/rootfs bin/rootfs
COPY docker/config.toml docker/config.toml
RUN bin/rootfs /weir docker/config.toml /rootfs

FROM scratch
COPY --from=build /rootfs /
USER 65532:65532
# A container's loopback is out of reach from outside, so this stands for the usual address. A configuration
# that names another address, or a whole path for its record, has its way.
ENV WEIR_LISTEN=0.0.0.0:8080
WORKDIR /var/lib/weir
VOLUME /var/lib/weir
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=2s \
    CMD ["/usr/bin/weir", "check", "--health", "--config", "/etc/weir/config.toml"]
ENTRYPOINT ["/usr/bin/weir"]
CMD ["serve", "--config", "/etc/weir/config.toml"]
