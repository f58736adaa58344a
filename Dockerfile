# One file for every image of Svyaz: `--build-arg PROCESS=orders` picks the process (docs/containers.md).
# An image holds Node, the bundle of one process and the few files that it reads: no npm, no sources, no packages.

# Node's version is that of tools/node24; a test holds the two together.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
ARG RUNTIME_IMAGE=debian:12.12-slim

# What npm reads, apart from the sources, so that a change of code doesn't install everything again.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /all
COPY . .
RUN mkdir /manifests \
 && find . \( -name package.json -o -name package-lock.json -o -name .npmrc \) -exec cp --parents -t /manifests {} +

FROM ${NODE_IMAGE} AS build
WORKDIR /svyaz
COPY --from=manifests /manifests ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY . .
# Bundles remember where their sources were (decision 0015): /svyaz here is /svyaz below.
RUN node deploy/image/main.ts --to /images

FROM ${RUNTIME_IMAGE} AS runtime
COPY --from=build /usr/local/bin/node /usr/local/bin/node
# A fixed number, so that volumes, and Kubernetes' runAsNonRoot, know the user without its name.
RUN groupadd --gid 10001 svyaz \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/svyaz --shell /usr/sbin/nologin svyaz \
 && install --directory --owner=svyaz --group=svyaz /var/lib/svyaz \
 && install --directory /run/svyaz \
 && touch /run/svyaz/environment
COPY deploy/image/health.sh /usr/local/bin/svyaz-health
ENV NODE_ENV=production SVYAZ_HOME=/var/lib/svyaz
WORKDIR /svyaz

FROM runtime AS process
ARG PROCESS
RUN test -n "${PROCESS}" || { echo 'say which: --build-arg PROCESS=orders' >&2; exit 1; }
COPY --from=build /images/${PROCESS} /svyaz
USER 10001:10001
STOPSIGNAL SIGTERM
# The kit's management port; processes without the kit are given theirs in compose.yaml.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD ["svyaz-health", "9464"]
# Node itself, no shell around it: SIGTERM reaches the process that drains. What is secret comes as a file.
ENTRYPOINT ["node", "--env-file-if-exists=/run/svyaz/environment", "/svyaz/main.mjs"]
