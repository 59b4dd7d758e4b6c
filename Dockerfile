# syntax=docker/dockerfile:1
# Three images from one wheel, `--target broker`, `--target proxyd` and `--target connector`; `--target instance` is something to connect to.

FROM node:22-bookworm-slim AS page
WORKDIR /src/webapp
COPY webapp/package.json webapp/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY webapp/ ./
RUN npm run build

FROM python:3.13-slim-bookworm AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY broker/ broker/
COPY client/ client/
COPY connector/ connector/
COPY proxyd/ proxyd/
COPY webapp/templates/ webapp/templates/
COPY --from=page /src/webapp/dist/ webapp/dist/
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.13-slim-bookworm AS fanlight
COPY --from=wheel /wheels/ /wheels/
RUN pip install --no-cache-dir "$(echo /wheels/fanlight-*.whl)[redis,uvloop]" \
    && useradd --system --uid 10001 --home-dir /var/lib/fanlight --create-home fanlight \
    && install -d -o fanlight -m 0750 /run/fanlight
USER 10001
WORKDIR /var/lib/fanlight

FROM fanlight AS broker
EXPOSE 8080
CMD ["fanlight", "broker"]

FROM fanlight AS proxyd
EXPOSE 4822
CMD ["fanlight", "proxyd"]

FROM fanlight AS connector
ENV FANLIGHT_STATE_DIRECTORY=/var/lib/fanlight/connector FANLIGHT_INSTALLED_AS=container
CMD ["fanlight", "connector", "run"]

FROM debian:bookworm-slim AS instance
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        fonts-dejavu-core openssh-server tigervnc-standalone-server tigervnc-tools xauth xterm \
    && rm -rf /var/lib/apt/lists/*
COPY --chmod=0755 scripts/example-instance /usr/local/bin/example-instance
EXPOSE 22 5905
CMD ["example-instance"]
