#!/usr/bin/env bash
# Builds all images of Slipway, with docker, podman or buildah, whichever works here, and pushes them where PUSH says.
#
#   images/build.sh                                          # slipway/app:VERSION, slipway/steps:VERSION, ...
#   PUSH=registry.example.com/team images/build.sh           # registry.example.com/team/slipway/app:VERSION, ..., pushed
#
# ENGINE         docker, podman or buildah; by default the first of them that works
# IMAGES         names of directories below images/; by default all that have a Dockerfile
# PUSH           registry, with a prefix if you like; without it nothing is pushed
# BUILD_OPTIONS  more options of the build, such as: --build-arg PYTHON_IMAGE=mirror.example.com/python:3.11.14-slim-bookworm
# PUSH_OPTIONS   more options of the push, such as podman's and buildah's: --tls-verify=false
set -euo pipefail
cd "$(dirname "$0")/.."

# Without a daemon that answers, docker's client is of no use.
works() {
  case $1 in
    docker) docker info ;;
    *) "$1" --version ;;
  esac >/dev/null 2>&1
}

if [ -z "${ENGINE:-}" ]; then
  for ENGINE in docker podman buildah none; do
    if works "$ENGINE"; then break; fi
  done
fi
case $ENGINE in
  docker) build=(docker build) push=(docker push) ;;
  # the format with which an image keeps its health check
  podman) build=(podman build --format docker) push=(podman push) ;;
  buildah) build=(buildah build --format docker) push=(buildah push) ;;
  none) echo "error: neither docker (with its daemon), podman nor buildah works here; install one of them" >&2 && exit 1 ;;
  *) echo "error: ENGINE=$ENGINE is not known; name docker, podman or buildah" >&2 && exit 1 ;;
esac

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' steps/slipway_steps/__init__.py)
revision=$(git describe --always --dirty --abbrev=40 --exclude '*' 2>/dev/null || true)
prefix=${PUSH:+${PUSH%/}/}slipway
if [ -z "${IMAGES:-}" ]; then
  IMAGES=$(cd images && for file in */Dockerfile; do echo "${file%/Dockerfile}"; done)
fi
for name in $IMAGES; do
  if [ ! -f "images/$name/Dockerfile" ]; then
    echo "error: there is no images/$name/Dockerfile; IMAGES names directories below images/" >&2
    exit 1
  fi
done

for name in $IMAGES; do
  echo "== $prefix/$name:$version, by $ENGINE"
  # shellcheck disable=SC2086 # options are several words
  "${build[@]}" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" ${BUILD_OPTIONS:-} \
    --file "images/$name/Dockerfile" --tag "$prefix/$name:$version" .
done
# Only when all are built: a registry does not get half of a version.
if [ -n "${PUSH:-}" ]; then
  for name in $IMAGES; do
    # shellcheck disable=SC2086
    "${push[@]}" ${PUSH_OPTIONS:-} "$prefix/$name:$version"
  done
fi
