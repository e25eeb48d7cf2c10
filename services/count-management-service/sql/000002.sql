-- Undo, sessions that are listed, counts in other orders than that of their ids.

-- An entry is never changed: what undoes another, or says what came of it, names it.
alter table audit add column undoes bigint, add column concludes bigint;
create unique index audit_undoes on audit (undoes) where undoes is not null;
create unique index audit_concludes on audit (concludes) where concludes is not null;
create index audit_username on audit (username, id);
create index audit_action on audit (action, id);
create index audit_at on audit (at);

alter table session
  add column n bigint generated always as identity, -- in the order of their beginning
  add column seen_at timestamptz not null default now(),
  add column user_agent text not null default '',
  -- A removed user's sessions stay, revoked, until they would have expired: else their tokens would live on.
  alter column user_id drop not null,
  drop constraint session_user_id_fkey,
  add constraint session_user_id_fkey foreign key (user_id) references app_user on delete set null;
create unique index session_n on session (n);

create index count_info_name on count_info ((lower(name) collate "C"), id) where deleted_at is null;
create index count_info_updated on count_info (updated_at, id) where deleted_at is null;
create index count_info_trashed on count_info (revision) where deleted_at is not null;
