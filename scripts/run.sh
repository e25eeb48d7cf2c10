#!/bin/sh
# Runs a TypeScript file on the pinned Node: sh scripts/run.sh <file.ts> [arguments]
# Installs what package.json names first, when that is missing or older than the lockfile. POSIX sh, and any Node from 20
# on: this is what a fresh machine has.
set -eu
cd "$(dirname "$0")/.."

node=node_modules/node/bin/node
# Written when an install has finished: one that was interrupted leaves node_modules without it, and is repeated.
installed=node_modules/.installed

pnpm_10() {
  # What pnpm prints goes to standard error: standard output belongs to the program that is run.
  if command -v pnpm >/dev/null 2>&1 && pnpm --version 2>/dev/null | grep -q '^10\.'; then
    pnpm "$@" >&2
  elif command -v npx >/dev/null 2>&1; then
    npx --yes pnpm@10.34.0 "$@" >&2
  else
    npm exec --yes -- pnpm@10.34.0 "$@" >&2
  fi
}

fingerprint() { cat pnpm-lock.yaml pnpm-workspace.yaml | cksum; }

if ! [ -x "$node" ] || [ "$(cat "$installed" 2>/dev/null)" != "$(fingerprint)" ]; then
  echo 'installing packages (once, up to a minute)' >&2
  rm -f "$installed"
  # CI=true: pnpm asks nothing, as before it replaces a node_modules of another layout.
  CI=true pnpm_10 install --frozen-lockfile --reporter=silent || {
    echo 'installing packages failed; what went wrong:' >&2
    CI=true pnpm_10 install --frozen-lockfile --reporter=append-only
  }
  fingerprint >"$installed"
fi

# Node 26's binary is linked with libatomic, which a small Debian lacks.
if ! "$node" --version >/dev/null 2>&1; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "$node does not run here; on Debian it needs the package libatomic1" >&2
    exit 1
  fi
  echo 'installing libatomic1 with apt-get, once' >&2
  apt-get -qq -o DPkg::Lock::Timeout=600 update >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 install -y libatomic1 >/dev/null
fi

# exec, so that a signal sent to npm's child reaches Node and not a shell in between.
exec "$node" "$@"
