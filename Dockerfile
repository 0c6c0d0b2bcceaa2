# syntax=docker/dockerfile:1
# jobhook's image: compiled JavaScript, production dependencies, a numeric user, nothing to write to.
# For a reproducible build give the base by digest: --build-arg NODE_IMAGE=docker.io/library/node@sha256:… (the release does, and records it).
# Several architectures: docker buildx build --platform linux/amd64,linux/arm64 . (nothing here is compiled for a machine: both stages that do
# work run on the builder's own, and nothing is emulated).
ARG NODE_IMAGE=docker.io/library/node:26.10.0-trixie-slim

FROM --platform=${BUILDPLATFORM} ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No install scripts: the one that matters would only fetch a Node of its own, and this stage has one.
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts ./scripts/build.ts
COPY examples ./examples
COPY routes ./routes
COPY src ./src
RUN node scripts/build.ts && find dist -name '*.d.ts' -delete
# For a person in the container: kubectl exec deploy/jobhook -- jobhook doctor --config …
RUN mkdir commands && ln -s /app/bin/jobhook.js commands/jobhook

FROM --platform=${BUILDPLATFORM} ${NODE_IMAGE} AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
# Half of what packages bring is never read at run time: types, source maps, change logs. Licences stay.
RUN find node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -iname 'readme*' -o -iname 'changelog*' \) -delete

FROM ${NODE_IMAGE}
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="jobhook" \
      org.opencontainers.image.description="Webhook in, Job out, callback back: a webhook dispatcher that runs each task as a Kubernetes Job." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/commands/ /usr/local/bin/
COPY bin ./bin
COPY package.json openapi.yaml LICENSE ./
# A number, so that runAsNonRoot can be checked; any other user works too: nothing is written and everything is readable.
USER 65532:65532
EXPOSE 8080
# Outside Kubernetes; there the chart's probes count. 8080 is what JOBHOOK_LISTEN below says; by https where the configuration has a certificate, which is
# then not held against anything: the question is whether the process answers.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; const at = (scheme) => fetch(scheme + '://127.0.0.1:8080/livez'); at('http').catch(() => at('https')).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Flags and environment stand over the file: the chart says the same in its file.
ENV JOBHOOK_LISTEN=0.0.0.0:8080
# Node is process 1 and handles SIGTERM itself (drain, then exit 0); it starts no children that would have to be reaped.
# Short-lived objects get 8 MB at a time, where V8 would let them grow to 64 before it clears up; the rest of the heap is cleared when it has grown by half, where V8
# would wait for three or four times as much. What each is worth: docs/performance.md.
ENTRYPOINT ["node", "--max-semi-space-size=8", "--heap-growing-percent=50", "/app/bin/jobhook.js"]
CMD ["serve", "--config", "/etc/jobhook/config.yaml"]
