#!/bin/sh
# Puts the image `count`, as it was built last, in place of what the services run, without a failed call: each service's new containers
# stand beside its old ones until these have finished what they had begun. Compose v2, and nothing else, is needed.
set -eu
cd "$(dirname "$0")/.."

docker compose run --rm --no-deps setup
for service in count-management-service count-write-service count-read-service count-analysis-service \
  dashboard-provision-service dashboard-update-service; do
  old=$(docker compose ps --quiet "$service")
  count=$(echo "$old" | grep -c .) || continue
  if ! docker compose --progress quiet up -d --no-deps --no-recreate --wait --scale "$service=$((2 * count))" "$service"; then
    docker compose ps --all --quiet "$service" | grep -vxF "$old" | xargs -r docker rm -f >/dev/null
    echo "$service: the new containers are not healthy and gone again; the old ones go on" >&2
    exit 1
  fi
  docker stop $old >/dev/null
  docker rm $old >/dev/null
  echo "$service: upgraded"
done
