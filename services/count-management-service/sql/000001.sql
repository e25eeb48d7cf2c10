-- CountInfoDB. Roles, where the deployment has them: info_service (this service), info_reader (all others).

create extension if not exists pg_trgm;

-- Orders every change of any count's metadata; a count's first revision names its life.
create sequence revision_seq;

create table count_info (
  id text collate "C" not null check (id ~ '^[a-z0-9][a-z0-9._:-]{0,127}$'),
  created bigint not null,
  revision bigint not null,
  name text not null,
  description text not null,
  unit text not null,
  tags text[] not null,
  min bigint,
  max bigint,
  initial_value bigint not null,
  status text not null check (status in ('active', 'paused', 'archived')),
  metadata jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz, -- in the trash since; purged after 30 days
  hash int not null, -- crc16(id): the shard is hash % SHARDS
  search text collate "C" not null generated always as (lower((id || chr(10) || name) collate "default")) stored,
  primary key (id, created),
  check (min <= max)
);
create unique index count_info_live on count_info (id) where deleted_at is null;
create index count_info_revision on count_info (revision);
create index count_info_tags on count_info using gin (tags) where deleted_at is null;
create index count_info_search on count_info using gin (search gin_trgm_ops) where deleted_at is null;
create index count_info_status on count_info (status, id) where deleted_at is null and status <> 'active';
create index count_info_trash on count_info (deleted_at) where deleted_at is not null;

-- What happened to a count and has not reached its record (outcome null) or the event bus (done_at null) yet.
create table lifecycle_outbox (
  revision bigint primary key,
  id text collate "C" not null,
  created bigint not null,
  kind text not null check (kind in ('created', 'updated', 'deleted', 'restored')),
  info jsonb not null, -- the CountInfo of this revision
  audit jsonb, -- of a change that the record may still refuse: row and audit are written when it has taken it
  at timestamptz not null default now(),
  outcome text check (outcome in ('applied', 'superseded')),
  value bigint,
  version bigint, -- what the script took
  done_at timestamptz
);
create index lifecycle_outbox_pending on lifecycle_outbox (id, revision) where outcome is null;
create index lifecycle_outbox_open on lifecycle_outbox (id, revision) where done_at is null;
create index lifecycle_outbox_done on lifecycle_outbox (done_at) where done_at is not null;

create table api_key (
  id text primary key,
  name text not null,
  secret_hash bytea not null,
  previous_hash bytea, -- the secret before the last rotation, until
  previous_until timestamptz,
  scopes text[] not null,
  prefixes text[],
  expires_at timestamptz,
  rate_limit int,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_used_at timestamptz -- its own column, not updated_at: every process reloads what that names
);
create index api_key_updated on api_key (updated_at);

create table app_user (
  id bigint generated always as identity primary key,
  username text not null check (username = lower(username)),
  password_hash text not null,
  role text not null check (role in ('viewer', 'editor', 'admin')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  disabled_at timestamptz
);
create unique index app_user_username on app_user (username);

create table session (
  id text primary key,
  user_id bigint not null references app_user on delete cascade,
  address text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index session_of_user on session (user_id);
create index session_expires on session (expires_at);
create index session_revoked on session (expires_at) where revoked_at is not null;

create table signing_key (
  id int generated always as identity primary key,
  private_key bytea not null, -- PKCS #8
  public_key bytea not null, -- SPKI
  created_at timestamptz not null default now()
);

create table login_attempt (
  key text primary key, -- user:<name> or address:<ip>
  failures int not null,
  blocked_until timestamptz not null,
  at timestamptz not null
);

create table import_job (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('counts', 'history')),
  status text not null check (status in ('running', 'done', 'failed', 'cancelled')),
  options jsonb not null,
  progress jsonb not null, -- processed, created, updated, unchanged, failed, errors
  username text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  finished_at timestamptz
);

create table import_row (
  job uuid not null references import_job on delete cascade,
  line int not null,
  content jsonb not null,
  primary key (job, line)
);

create table saved_analysis (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  kind text not null,
  query jsonb not null,
  username text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  username text not null,
  address text not null,
  action text not null,
  target text not null,
  detail jsonb not null
);
create index audit_target on audit (target, id);

-- Nobody changes what was recorded, not even the owner by mistake.
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'audit is append only' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_append_only before update or delete or truncate on audit
  for each statement execute function audit_is_append_only();

do $$
begin
  if exists (select from pg_roles where rolname = 'info_service') then
    grant usage on sequence revision_seq to info_service;
    grant select, insert, update, delete on all tables in schema public to info_service;
    revoke all on audit, migration from info_service;
    grant select, insert on audit to info_service;
    grant select on migration to info_service;
  end if;
  if exists (select from pg_roles where rolname = 'info_reader') then
    grant select on count_info, api_key to info_reader;
  end if;
end $$;
