-- DashboardConfigDB. Roles, where the deployment has them: dashboard_owner (migrates), dashboard_service (this service).

create extension if not exists pg_trgm;

-- How often the dashboards and links, and the alerts, were changed: what pollers compare. A row, not a sequence: it is
-- locked to the end of the transaction, so nobody sees a number before what it stands for.
create table change_counter (
  name text primary key,
  n bigint not null
);
insert into change_counter values ('dashboards', 0), ('alerts', 0);

create table dashboard (
  id text collate "C" primary key,
  body jsonb not null, -- name, range, panels
  revision int not null,
  changed bigint not null, -- of the counter: the order of changes
  created_at timestamptz not null default now(),
  created_by text not null,
  updated_at timestamptz not null default now(),
  updated_by text not null,
  deleted_at timestamptz, -- in the trash since; purged after 30 days
  deleted_by text,
  name text not null generated always as (body ->> 'name') stored,
  search text collate "C" not null generated always as (lower((body ->> 'name') collate "default")) stored
);
create index dashboard_changed on dashboard (changed) where deleted_at is null;
create index dashboard_name on dashboard (search, id) where deleted_at is null;
create index dashboard_search on dashboard using gin (search gin_trgm_ops) where deleted_at is null;
create index dashboard_trash on dashboard (changed) where deleted_at is not null;
create index dashboard_trashed on dashboard (deleted_at) where deleted_at is not null;

-- Each save; the last hundred of a dashboard.
create table dashboard_revision (
  dashboard text collate "C" not null references dashboard on delete cascade,
  revision int not null,
  body jsonb not null,
  restored int, -- the revision that it brought back
  saved_at timestamptz not null default now(),
  saved_by text not null,
  primary key (dashboard, revision)
);

create table share_link (
  id text collate "C" primary key,
  dashboard text collate "C" not null references dashboard on delete cascade,
  name text not null,
  token_hash bytea not null, -- SHA-256
  frame_ancestors text[] not null,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  created_by text not null
);
create unique index share_link_token on share_link (token_hash);
create index share_link_dashboard on share_link (dashboard, created_at);
create index share_link_expires on share_link (expires_at) where expires_at is not null;

create table alert_rule (
  id text collate "C" primary key,
  name text not null,
  search text collate "C" not null generated always as (lower(name collate "default")) stored,
  count text collate "C" not null,
  condition jsonb not null,
  enabled boolean not null,
  revision int not null, -- grows when count, condition or enabled change: the state then starts anew
  url text,
  secret text,
  previous_secret text, -- signs too, until
  previous_until timestamptz,
  state text not null default 'closed' check (state in ('open', 'closed')),
  since timestamptz,
  version bigint, -- of the last transition in this revision
  value bigint,
  created_at timestamptz not null default now(),
  created_by text not null,
  updated_at timestamptz not null default now(),
  updated_by text not null,
  check ((url is null) = (secret is null))
);
create index alert_rule_name on alert_rule (search, id);
create index alert_rule_search on alert_rule using gin (search gin_trgm_ops);
create index alert_rule_count on alert_rule (count, search, id);
create index alert_rule_open on alert_rule (search, id) where state = 'open';

create table alert_transition (
  n bigint generated always as identity primary key,
  rule text collate "C" not null references alert_rule on delete cascade,
  revision int not null,
  count text collate "C" not null,
  version bigint, -- null: the rule was changed, not the count
  state text not null check (state in ('open', 'closed')),
  value bigint,
  at timestamptz not null
);
create unique index alert_transition_once on alert_transition (rule, revision, version, state);
create index alert_transition_rule on alert_transition (rule, n);
create index alert_transition_at on alert_transition (at);

-- The outbox of webhooks: one row for each transition of a rule that has a target.
create table alert_delivery (
  id text collate "C" primary key, -- the webhook-id
  n bigint not null generated always as identity unique,
  rule text collate "C" not null references alert_rule on delete cascade,
  transition bigint not null unique references alert_transition on delete cascade,
  type text not null,
  body text not null, -- sent as it is, so that every attempt is signed alike
  status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
  attempts int not null default 0,
  next_at timestamptz not null default now(),
  claim uuid, -- of who is sending it, until next_at
  response_status int,
  error text,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create index alert_delivery_due on alert_delivery (next_at) where status = 'pending';
create index alert_delivery_pending on alert_delivery (rule, n) where status = 'pending';
create index alert_delivery_status on alert_delivery (status, n);
create index alert_delivery_rule on alert_delivery (rule, n);
create index alert_delivery_finished on alert_delivery (finished_at) where finished_at is not null;

do $$
begin
  if exists (select from pg_roles where rolname = 'dashboard_service') then
    grant select, insert, update, delete on dashboard, dashboard_revision, share_link, alert_rule, alert_transition,
      alert_delivery to dashboard_service;
    revoke all on change_counter, migration from dashboard_service;
    grant select, update on change_counter to dashboard_service;
    grant select on migration to dashboard_service;
  end if;
end $$;
