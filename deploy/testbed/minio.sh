#!/usr/bin/env bash
# A MinIO for tests: builds the pinned server from its Go module, verified by the checksum database, into a cache folder that
# outlives the repository's; starts it on free ports of this machine with a new, empty folder; stops it.
#
#   minio.sh build           builds the server unless it is there; prints its path (a few minutes the first time)
#   minio.sh start DIR       starts one that keeps all it has in DIR, with an empty bucket called weir; writes DIR/env, which a shell sources
#                            to get WEIR_TEST_S3 and so on, and the variables of AWS's tools
#   minio.sh stop DIR        stops the one of DIR and removes its data
#   minio.sh run COMMAND...  build, start, the command in the environment of DIR/env, stop; its exit status is that of the command
set -euo pipefail

version=v0.0.0-20260212201848-7aac2a2c5b7c
sum=h1:/qdoYujxF5MBLDMVLeiYJ/7fBa1HikX39Dvzb9Ji8pA= # of the module, as in a go.sum
cache=${WEIR_TESTBED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-testbed}
server=$cache/minio-$version/minio

build() {
  if [ ! -x "$server" ]; then
    echo "building MinIO $version into $cache (a few minutes, once)" >&2
    mkdir -p "$cache"
    local new
    new=$(mktemp -d "$cache/building.XXXXXX")
    # Outside of any module, so that this repository's versions have no say; what the server depends on is checked by the checksum database.
    (
      cd "$new" || exit 1
      export CGO_ENABLED=0 GOFLAGS='' GOWORK=off GONOSUMDB='' GONOSUMCHECK='' GOPRIVATE='' GOBIN=$new
      [ "$(go env GOSUMDB)" != off ] || { echo "GOSUMDB is off: what is built could not be verified" >&2; exit 1; }
      go mod download -json "github.com/minio/minio@$version" | grep -F "\"Sum\": \"$sum\"" >/dev/null || { echo "github.com/minio/minio@$version does not have the checksum $sum" >&2; exit 1; }
      ${NICE:-} go install -ldflags '-s -w' "github.com/minio/minio@$version"
    ) || { rm -rf "$new"; return 1; }
    mkdir -p "$(dirname "$server")"
    mv -f "$new/minio" "$server"
    rm -rf "$new"
  fi
  echo "$server"
}

# The port of a server that listens on an address given as 127.0.0.1:0 is not told, so a free one is asked for and tried.
free_port() {
  local port
  for port in $(shuf -i 20000-40000 -n 50); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  echo "no free port" >&2
  return 1
}

alive() { kill -0 "$1" 2>/dev/null; }

ready() { (exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET /minio/health/live HTTP/1.0\r\n\r\n' >&3 && grep -q ' 200 ' <&3) 2>/dev/null; }

start() {
  local dir=$1 port console pid secret
  mkdir -p "$dir/data/weir" # which is a bucket
  dir=$(cd "$dir" && pwd)
  secret=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
  for _ in 1 2 3; do
    port=$(free_port) console=$(free_port)
    [ "$port" != "$console" ] || continue
    MINIO_ROOT_USER=weir MINIO_ROOT_PASSWORD=$secret MINIO_BROWSER=off MINIO_UPDATE=off MINIO_CI_CD=1 \
      "$server" server --quiet --address "127.0.0.1:$port" --console-address "127.0.0.1:$console" "$dir/data" >"$dir/log" 2>&1 </dev/null &
    pid=$!
    for _ in $(seq 300); do
      if ready "$port"; then
        echo "$pid" >"$dir/pid"
        {
          printf 'export WEIR_TEST_S3=http://127.0.0.1:%s WEIR_TEST_S3_KEY=weir WEIR_TEST_S3_SECRET=%s\n' "$port" "$secret"
          printf 'export AWS_ENDPOINT_URL=http://127.0.0.1:%s AWS_ACCESS_KEY_ID=weir AWS_SECRET_ACCESS_KEY=%s AWS_REGION=us-east-1\n' "$port" "$secret"
        } >"$dir/env"
        return
      fi
      alive "$pid" || break
      sleep 0.1
    done
    kill "$pid" 2>/dev/null || true
  done
  echo "MinIO did not start; the end of its log:" >&2
  tail -20 "$dir/log" >&2
  return 1
}

stop() {
  local dir=$1 pid
  if pid=$(cat "$dir/pid" 2>/dev/null) && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$dir/data"; then
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 100); do
      alive "$pid" || break
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
  fi
  rm -rf "$dir/data" "$dir/pid" "$dir/env" "$dir/log"
}

run() {
  build >/dev/null
  local dir status=0
  dir=$(mktemp -d)
  trap "stop '$dir'; rmdir '$dir'" EXIT
  start "$dir"
  # shellcheck source=/dev/null
  . "$dir/env"
  "$@" || status=$?
  return $status
}

usage() {
  sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

case ${1:-} in
  build) build ;;
  start | stop) [ $# -eq 2 ] || usage; [ "$1" = stop ] || build >/dev/null; "$1" "$2" ;;
  run) [ $# -ge 2 ] || usage; shift; run "$@" ;;
  *) usage ;;
esac
