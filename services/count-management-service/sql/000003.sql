-- Work on many counts: imports of counts and of history, bulk changes, and the undo of each. Nothing used the former tables.

drop table import_row;
drop table import_job;

create table import_job (
  id uuid primary key default gen_random_uuid(),
  kind text not null, -- import.counts, import.history, bulk.<action>, undo.counts, undo.history
  status text not null default 'running' check (status in ('running', 'done', 'failed', 'cancelled')),
  phase text not null default 'loading' check (phase in ('loading', 'checking', 'applying', 'reverting')),
  options jsonb not null,
  username text not null,
  address text not null,
  total int, -- null while its lines arrive
  processed int not null default 0,
  created int not null default 0,
  updated int not null default 0,
  unchanged int not null default 0,
  failed int not null default 0,
  cancel boolean not null default false, -- asked for
  undoes uuid references import_job on delete set null,
  holder uuid, -- who works on it, until
  lease_until timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create index import_job_running on import_job (lease_until) where status = 'running';
create index import_job_created on import_job (created_at, id);
create index import_job_finished on import_job (finished_at) where finished_at is not null;
create unique index import_job_undoes on import_job (undoes) where undoes is not null;

-- A line is new; or faulty (message); or has begun (revision, life and change, in one transaction with the change); or has ended (result).
create table import_row (
  job uuid not null references import_job on delete cascade,
  line int not null,
  id text collate "C",
  content jsonb,
  message text,
  revision bigint,
  life bigint, -- the count's `created`
  change jsonb, -- what it changed: { before, after }
  result text check (result in ('created', 'updated', 'unchanged')),
  primary key (job, line)
);
create index import_row_faults on import_row (job, line) where message is not null;

-- Each look of the outbox worker, also behind a hundred thousand changes.
create index lifecycle_outbox_unsettled on lifecycle_outbox (revision) where outcome is null;
create index lifecycle_outbox_unpublished on lifecycle_outbox (revision) where outcome = 'applied' and done_at is null;

do $$
begin
  if exists (select from pg_roles where rolname = 'info_service') then
    grant select, insert, update, delete on import_job, import_row to info_service;
  end if;
end $$;
